import { formatRanges } from '../base/index.ts';
import { hasEmptySocket } from './empty-socket.ts';
import type { MemoryCell, VmMemory, VmSpec } from './spec.ts';

const MiB = 1024 ** 2;

/** Whether the memory is in one piece, which is the machine's own then; several pieces belong to its NUMA nodes. */
export function ownMemory(spec: VmSpec): boolean {
  return memoryOf(spec).cells.length === 1;
}

/** The options for the memory of a machine and its NUMA nodes. Pure. */
export function memory(spec: VmSpec): string[] {
  const { cells, distances = [], hugePages } = memoryOf(spec);
  const total = cells.reduce((sum, { size }) => sum + size, 0);
  const own = cells.length === 1;
  // virtiofsd maps the guest's memory, so it must be shareable then; private memory otherwise.
  const shared = spec.shares.some(({ transport }) => transport === 'virtiofs');
  const kind = backend(shared, hugePages);
  const objects = cells.flatMap((cell, at) => ['-object', object(kind, own ? 'ram' : `ram${at}`, cell)]);
  return [
    ...objects,
    ...['-m', `${total / MiB}M`],
    ...(own ? [] : cells.flatMap((cell, at) => numaNode(processorsOf(cell, spec), at))),
    ...distances.flatMap((row, from) => row.flatMap((value, to) => (to === from ? [] : distance(from, to, value)))),
  ];
}

function memoryOf({ placement, ram, vcpus }: VmSpec): VmMemory {
  const all = Array.from({ length: vcpus }, (_, at) => at);
  return placement?.memory ?? { cells: [{ size: ram, vcpus: all }] };
}

interface Backend {
  readonly name: string;
  readonly options: string;
}

/** Huge pages are taken at once: later there might be none, and the guest would be killed when it touches them. */
function backend(shared: boolean, hugePages: number | undefined): Backend {
  if (hugePages !== undefined) {
    const options = `,hugetlb=on,hugetlbsize=${hugePages / MiB}M,prealloc=on,share=on`;
    return { name: 'memory-backend-memfd', options };
  }
  return shared ? { name: 'memory-backend-memfd', options: ',share=on' } : { name: 'memory-backend-ram', options: '' };
}

function object({ name, options }: Backend, id: string, { size, hostNode }: MemoryCell): string {
  const bound = hostNode === undefined ? '' : `,host-nodes=${hostNode},policy=bind`;
  return `${name},id=${id},size=${size / MiB}M${options}${bound}`;
}

/** QEMU wants a node for the empty socket as well. */
function processorsOf({ vcpus }: MemoryCell, spec: VmSpec): readonly number[] {
  return hasEmptySocket(spec) && vcpus.includes(0) ? [0, 1] : vcpus;
}

function numaNode(vcpus: readonly number[], at: number): string[] {
  const cpus = vcpus.length === 0 ? [] : formatRanges(vcpus).split(',');
  return ['-numa', [`node,nodeid=${at},memdev=ram${at}`, ...cpus.map((range) => `cpus=${range}`)].join()];
}

function distance(from: number, to: number, value: number): string[] {
  return ['-numa', `dist,src=${from},dst=${to},val=${value}`];
}
