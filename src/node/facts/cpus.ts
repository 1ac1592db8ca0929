import type { LogicalCpu } from '../../plan/index.ts';
import type { KernelFiles } from './files.ts';

const base = 'sys/devices/system/cpu';

/**
 * The CPUs that are online, with where they are (Linux: Documentation/admin-guide/cputopology.rst). What the kernel does not
 * tell is taken to be one package with a core for each CPU.
 * @param fallback CPUs for a kernel that does not say which are online
 */
export function readCpus(files: KernelFiles, fallback: readonly number[]): LogicalCpu[] {
  const online = files.list(`${base}/online`) ?? fallback;
  const nodes = new Map(numaNodes(files).flatMap(({ id, cpus }) => cpus.map((cpu) => [cpu, id])));
  const packages = grouped(files, online, packageOf);
  const dies = grouped(files, online, dieOf);
  const cores = grouped(files, online, coreOf);
  const caches = grouped(files, online, cacheOf);
  return online
    .map((id) => ({
      ...{ id, package: packages.get(id) ?? 0, die: dies.get(id) ?? 0, core: cores.get(id) ?? id },
      ...{ node: nodes.get(id) ?? 0, cache: caches.get(id) ?? packages.get(id) ?? 0 },
    }))
    .sort((a, b) => a.id - b.id);
}

/** NUMA nodes with their CPUs, by id. A kernel without NUMA has none. */
export function numaNodes(files: KernelFiles): { id: number; cpus: number[] }[] {
  const ids = files.names('sys/devices/system/node').flatMap((name) => /^node(\d+)$/.exec(name)?.[1] ?? []);
  return ids
    .map((id) => ({ id: Number(id), cpus: files.list(`sys/devices/system/node/node${id}/cpulist`) ?? [] }))
    .sort((a, b) => a.id - b.id);
}

/** A number for a CPU, and all CPUs that have the same. */
type Group = (files: KernelFiles, cpu: number) => { readonly id: number; readonly members: readonly number[] };

/** Read one CPU of each group for all of it: large nodes have thousands of these files. */
function grouped(files: KernelFiles, cpus: readonly number[], of: Group): Map<number, number> {
  const found = new Map<number, number>();
  for (const cpu of cpus) {
    if (found.has(cpu)) continue;
    const { id, members } = of(files, cpu);
    for (const member of [cpu, ...members]) found.set(member, id);
  }
  return found;
}

const packageOf: Group = (files, cpu) => ({
  id: files.number(`${base}/cpu${cpu}/topology/physical_package_id`) ?? 0,
  members: siblings(files, cpu, 'package_cpus_list', 'core_siblings_list'),
});

const dieOf: Group = (files, cpu) => ({
  id: files.number(`${base}/cpu${cpu}/topology/die_id`) ?? 0,
  members: siblings(files, cpu, 'die_cpus_list'),
});

const coreOf: Group = (files, cpu) => ({
  id: files.number(`${base}/cpu${cpu}/topology/core_id`) ?? cpu,
  members: siblings(files, cpu, 'core_cpus_list', 'thread_siblings_list'),
});

/** The last cache that CPUs share, by the lowest of them. */
const cacheOf: Group = (files, cpu) => {
  const caches = files.names(`${base}/cpu${cpu}/cache`).filter((name) => /^index\d+$/.test(name));
  const levels = caches.map((name) => ({ name, level: files.number(`${base}/cpu${cpu}/cache/${name}/level`) ?? 0 }));
  const [last] = levels.sort((a, b) => b.level - a.level);
  const members = last === undefined ? undefined : files.list(`${base}/cpu${cpu}/cache/${last.name}/shared_cpu_list`);
  if (members === undefined) return packageOf(files, cpu);
  return { id: Math.min(...members), members };
};

/** The second name is that of older kernels. */
function siblings(files: KernelFiles, cpu: number, ...names: readonly string[]): number[] {
  for (const name of names) {
    const members = files.list(`${base}/cpu${cpu}/topology/${name}`);
    if (members !== undefined) return members;
  }
  return [];
}

/** Maker of the processors, as they call themselves. */
export function readVendor(files: KernelFiles): string | undefined {
  return /^vendor_id\s*:\s*(\S+)$/m.exec(files.text('proc/cpuinfo') ?? '')?.[1];
}
