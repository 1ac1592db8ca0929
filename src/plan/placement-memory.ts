import { MiB } from '../base/index.ts';
import type { NodeFacts } from './node-facts.ts';
import { qemuOverhead } from './overhead.ts';
import type { PlacedVm, PlacementOptions } from './placement.ts';
import { noHugePages, tooMuchMemory } from './placement-errors.ts';

/** Memory of the node's NUMA nodes that VMs of a job may still get. */
export interface MemoryPool {
  /** Bytes; the memory of a guest is cut in multiples of it. */
  readonly unit: number;
  /** Bytes of a huge page; none: ordinary memory. */
  readonly page: number | undefined;
  /** What the NUMA node has for guests. */
  room(node: number): number;
  /** What QEMU needs of it for a VM. */
  own(vm: PlacedVm): number;
  take(node: number, bytes: number): void;
  /** Take what is bound to no NUMA node: best of these, else of any. */
  takeAnywhere(bytes: number, best: readonly number[]): 'taken' | 'too little';
}

/**
 * Refuse VMs that take more memory than the job may have, or than there is.
 * @throws VtorqueError `E_NODE_MEMORY`
 */
export function checkMemory(vms: readonly PlacedVm[], facts: NodeFacts, options: PlacementOptions): void {
  // Huge pages are not in a cgroup's memory, and were taken out of the node's before.
  const guest = ({ ram }: PlacedVm): number => (options.hugePages ? 0 : ram);
  const own = vms.reduce((sum, { vcpus }) => sum + qemuOverhead(vcpus), 0);
  const ramdisk = (options.ramdisk ?? 0) * vms.length;
  const needed = own + ramdisk + vms.reduce((sum, vm) => sum + guest(vm), 0);
  const { total, limit = Number.POSITIVE_INFINITY } = facts.memory;
  const there = total - options.hostRam;
  if (needed > Math.min(there, limit)) {
    throw tooMuchMemory(vms, options, { needed, own, ramdisk, room: Math.min(there, limit), limited: limit < there });
  }
}

/** The memory of guests is of whole pages. */
export function guestMemory({ ram }: PlacedVm, page: number = MiB): number {
  return Math.ceil(ram / page) * page;
}

/**
 * Choose the size of huge pages: the largest with which the VMs have no more memory than asked for, and enough pages free.
 * @returns bytes
 * @throws VtorqueError `E_HUGE_PAGES`
 */
export function pageSize(vms: readonly PlacedVm[], facts: NodeFacts, options: PlacementOptions): number {
  const numa = facts.numa.filter(({ id }) => facts.memoryNodes.includes(id));
  const free = new Map<number, number>();
  for (const { size, free: pages } of numa.flatMap(({ hugePages }) => hugePages)) {
    free.set(size, (free.get(size) ?? 0) + pages);
  }
  const sizes = [...free.keys()].sort((a, b) => b - a);
  const wanted = (size: number): number => vms.reduce((sum, vm) => sum + guestMemory(vm, size) / size, 0);
  const fits = sizes.filter((size) => (free.get(size) ?? 0) >= wanted(size));
  const whole = fits.find((size) => vms.every(({ ram }) => ram % size === 0));
  // The smallest wastes least where none divides the memory.
  const size = whole ?? fits.at(-1);
  if (size !== undefined) return size;
  const smallest = sizes.at(-1) ?? 2 * MiB;
  throw noHugePages(vms, options, { size: smallest, wanted: wanted(smallest), free: free.get(smallest) ?? 0 });
}

/** What is there for guests before any VM of the job has some of it. */
export function memoryPool(facts: NodeFacts, options: PlacementOptions, page: number | undefined): MemoryPool {
  const [only] = facts.numa;
  const single = facts.numa.length === 1;
  const left = new Map<number, number>();
  for (const { id, free, hugePages } of facts.numa) {
    const pages = hugePages.find(({ size }) => size === page)?.free ?? 0;
    // Nothing is bound where there is nothing to choose from: then the check against the whole node is all there is.
    const ordinary = single && id === only?.id ? facts.memory.total - options.hostRam : free;
    left.set(id, facts.memoryNodes.includes(id) ? (page === undefined ? ordinary : pages * page) : 0);
  }
  const unit = page ?? MiB;
  return {
    unit,
    page,
    room: (node) => Math.floor((left.get(node) ?? 0) / unit) * unit,
    own: ({ vcpus }) => (page === undefined ? qemuOverhead(vcpus) : 0),
    take: (node, bytes) => void left.set(node, (left.get(node) ?? 0) - bytes),
    takeAnywhere: (bytes, best) => {
      let missing = bytes;
      for (const node of [...best, ...left.keys()]) {
        const part = Math.min(missing, left.get(node) ?? 0);
        left.set(node, (left.get(node) ?? 0) - part);
        missing -= part;
      }
      return missing > 0 ? 'too little' : 'taken';
    },
  };
}
