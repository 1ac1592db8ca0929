import type { HugePages, NumaNode } from '../../plan/index.ts';
import { numaNodes } from './cpus.ts';
import type { KernelFiles } from './files.ts';

const KiB = 1024;

/** Bytes of memory that the kernel manages. */
export function totalMemory(files: KernelFiles): number {
  return amount(files.text('proc/meminfo') ?? '', 'MemTotal') ?? 0;
}

/** The NUMA nodes with what is free there. A kernel without NUMA has one. */
export function readNuma(files: KernelFiles): NumaNode[] {
  const nodes = numaNodes(files);
  if (nodes.length === 0) {
    const free = amount(files.text('proc/meminfo') ?? '', 'MemAvailable') ?? 0;
    return [{ id: 0, free, distances: [10], hugePages: readHugePages(files, 'sys/kernel/mm/hugepages') }];
  }
  return nodes.map(({ id }) => {
    const at = `sys/devices/system/node/node${id}`;
    const distances = (files.text(`${at}/distance`) ?? '').split(/\s+/).filter(Boolean).map(Number);
    const pages = readHugePages(files, `${at}/hugepages`);
    const hugePages = nodes.length === 1 ? withoutPromised(files, pages) : pages;
    return { id, free: freeOf(files.text(`${at}/meminfo`) ?? ''), distances, hugePages };
  });
}

/** What nobody has, and what the kernel has of files only because nobody wants the room. */
function freeOf(meminfo: string): number {
  const parts = ['MemFree', 'Active\\(file\\)', 'Inactive\\(file\\)', 'SReclaimable'];
  return parts.reduce((sum, name) => sum + (amount(meminfo, name) ?? 0), 0);
}

/** Bytes. */
function amount(meminfo: string, name: string): number | undefined {
  const [, kilobytes] = new RegExp(`^(?:Node \\d+ )?${name}:\\s+(\\d+) kB`, 'm').exec(meminfo) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * KiB;
}

function readHugePages(files: KernelFiles, directory: string): HugePages[] {
  return files.names(directory).flatMap((name) => {
    const [, kilobytes] = /^hugepages-(\d+)kB$/.exec(name) ?? [];
    const free = files.number(`${directory}/${name}/free_hugepages`);
    return kilobytes === undefined || free === undefined ? [] : [{ size: Number(kilobytes) * KiB, free }];
  });
}

/** Free pages may be promised to a program that has not touched them yet; for which NUMA node is not told. */
function withoutPromised(files: KernelFiles, pages: readonly HugePages[]): HugePages[] {
  return pages.map(({ size, free }) => {
    const promised = files.number(`sys/kernel/mm/hugepages/hugepages-${size / KiB}kB/resv_hugepages`) ?? 0;
    return { size, free: Math.max(0, free - promised) };
  });
}
