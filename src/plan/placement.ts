import type { PinningRequest } from '../request/index.ts';
import type { VmPlacement } from '../vm/spec.ts';
import type { NodeFacts } from './node-facts.ts';
import { type CpuLevel, CpuPool } from './placement-cpus.ts';
import { ownCores } from './placement-default.ts';
import { doesNotFit, type Fits } from './placement-errors.ts';
import { mapped } from './placement-map.ts';
import { checkMemory, memoryPool, pageSize } from './placement-memory.ts';
import { floating, type PlacedCpus, placeVm, settled } from './placement-vm.ts';

/** How virtual CPUs share cores: each has a core of its own, or each has a hardware thread. */
export type SmtPolicy = 'auto' | 'cores' | 'threads';

export interface PlacementOptions {
  /** Not there, so nobody asked: pinned where that is certain to do no harm. */
  readonly pinning?: PinningRequest | undefined;
  readonly hugePages: boolean;
  readonly smt: SmtPolicy;
  /** Cores of the node to which no VM is pinned: those with the lowest numbers. */
  readonly hostCores: number;
  /** Bytes of the node's memory that are not for VMs. */
  readonly hostRam: number;
  /** Bytes of memory that what a VM changes in its image may take, besides its own. */
  readonly ramdisk?: number;
  /** Slots of the job on this node that are cores: none where several nodes are one machine. */
  readonly slots: number;
  /** CPUs to which VMs of other jobs are pinned. */
  readonly taken?: readonly number[];
  /** Name of the node, for errors. */
  readonly node: string;
}

/** What a placement looks at in a VM. */
export interface PlacedVm {
  readonly name: string;
  /** Among those of its node, from 1. */
  readonly index: number;
  readonly vcpus: number;
  /** Bytes. */
  readonly ram: number;
}

/** Where a VM runs on its node, and why there. */
export interface Placement extends VmPlacement {
  readonly name: string;
  /** In words. */
  readonly reason: string;
}

/**
 * Decide where the VMs of one node run: a core for each virtual CPU, cores for QEMU's other threads, NUMA nodes for the memory, and
 * what of that the guest is shown. Every VM is on as few NUMA nodes as can hold it; VMs are spread over them. Pure: the same
 * values give the same placements.
 * @returns one placement for each VM, in their order
 * @throws VtorqueError `E_NODE_MEMORY`, `E_HUGE_PAGES`, `E_PINNING`, `E_PINNING_FILE`, with the smallest change that would do
 */
export function planPlacement(vms: readonly PlacedVm[], facts: NodeFacts, options: PlacementOptions): Placement[] {
  checkMemory(vms, facts, options);
  const page = options.hugePages ? pageSize(vms, facts, options) : undefined;
  const { pinning } = options;
  const unpinned = (why: string): Placement[] => vms.map((vm) => floating(vm, page, why));
  if (pinning === false) return unpinned('the job asks for that');
  if (typeof pinning === 'object') return mapped(vms, facts, options, pinning, page);
  const why = pinning === undefined ? ownCores(facts, options) : undefined;
  if (why !== undefined) return unpinned(why);
  const fits = pinned(vms, facts, options, page);
  if (fits.placements !== undefined) return fits.placements;
  const { error, state } = doesNotFit(vms, fits, options);
  if (pinning === 'auto') throw error;
  return unpinned(state);
}

/** Cores where they suffice, else hardware threads: of cores that no other VM has, and at last of any. */
const levels: Readonly<Record<SmtPolicy, readonly CpuLevel[]>> = {
  auto: ['core', 'whole', 'thread'],
  cores: ['core'],
  threads: ['whole', 'thread'],
};

function pinned(vms: readonly PlacedVm[], facts: NodeFacts, options: PlacementOptions, page: number | undefined): Fits {
  const needed = vms.reduce((sum, { vcpus }) => sum + vcpus, 0);
  let room = 0;
  for (const level of levels[options.smt]) {
    const pool = new CpuPool(facts, options, level);
    room = Math.max(room, pool.room());
    if (pool.room() < needed) continue;
    const placements = placeAll(vms, facts, pool, options, page);
    if (placements !== undefined) return { placements, room };
  }
  return { room };
}

/** The largest first: they have the least choice. */
function placeAll(
  vms: readonly PlacedVm[],
  facts: NodeFacts,
  pool: CpuPool,
  options: PlacementOptions,
  page: number | undefined,
): Placement[] | undefined {
  const memory = memoryPool(facts, options, page);
  const order = vms.toSorted((a, b) => b.vcpus - a.vcpus || b.ram - a.ram || a.index - b.index);
  const placed = new Map<PlacedVm, PlacedCpus>();
  for (const vm of order) {
    const place = placeVm(vm, facts, pool, memory);
    if (place === undefined) return undefined;
    placed.set(vm, place);
  }
  return vms.flatMap((vm) => {
    const place = placed.get(vm);
    return place === undefined ? [] : [settled(place, pool)];
  });
}
