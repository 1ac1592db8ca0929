import { formatRanges, formatSize } from '../base/index.ts';
import type { MemoryCell, VmMemory } from '../vm/spec.ts';
import type { LogicalCpu, NodeFacts } from './node-facts.ts';
import type { PlacedVm, Placement } from './placement.ts';
import { byPlace, type CpuPool } from './placement-cpus.ts';
import { guestMemory, type MemoryPool } from './placement-memory.ts';
import { distance, smallestSet } from './placement-numa.ts';
import { splitByWeight, splitEvenly } from './placement-split.ts';
import { guestTopology } from './placement-topology.ts';

/** A VM with its place; what its other threads get is known when all VMs have theirs. */
export interface PlacedCpus {
  readonly vm: PlacedVm;
  /** Of the virtual CPUs, in their order. */
  readonly cpus: readonly LogicalCpu[];
  readonly memory: VmMemory;
  /** NUMA nodes. */
  readonly nodes: readonly number[];
}

/** Find the place of one VM and take it out of what is free; undefined when there is none. */
export function placeVm(vm: PlacedVm, facts: NodeFacts, pool: CpuPool, memory: MemoryPool): PlacedCpus | undefined {
  const nodes = smallestSet(facts, {
    vcpus: vm.vcpus,
    memory: guestMemory(vm, memory.unit),
    cpuRoom: (node) => pool.room(node),
    memoryRoom: memory.room,
  });
  if (nodes === undefined) return undefined;
  const counts = splitEvenly(
    vm.vcpus,
    nodes.map((node) => pool.room(node)),
  );
  const cells = takeMemory(vm, nodes, inRow(counts), facts, memory);
  if (cells === undefined) return undefined;
  const cpus = nodes.flatMap((node, at) => pool.take(node, counts[at] ?? 0)).sort(byPlace);
  return { vm, cpus, memory: cells, nodes };
}

/** Virtual CPUs by NUMA node, one behind the other. */
function inRow(counts: readonly number[]): number[][] {
  let next = 0;
  return counts.map((count) => Array.from({ length: count }, () => next++));
}

/**
 * Take memory of NUMA nodes in proportion to the virtual CPUs there, with what QEMU itself needs.
 * @param vcpus of each of the NUMA nodes
 * @returns undefined when they have too little
 */
export function takeMemory(
  vm: PlacedVm,
  nodes: readonly number[],
  vcpus: readonly (readonly number[])[],
  facts: NodeFacts,
  memory: MemoryPool,
): VmMemory | undefined {
  const total = guestMemory(vm, memory.unit);
  const rooms = nodes.map(memory.room);
  const sizes = splitByWeight(
    total,
    memory.unit,
    rooms.map((room, at) => ({ room, weight: vcpus[at]?.length ?? 0 })),
  );
  if (sizes === undefined) return undefined;
  for (const [at, node] of nodes.entries()) memory.take(node, sizes[at] ?? 0);
  if (memory.takeAnywhere(memory.own(vm), nodes) === 'too little') return undefined;
  const cells = nodes.map((hostNode, at) => ({ size: sizes[at] ?? 0, hostNode, vcpus: vcpus[at] ?? [] }));
  return { ...(memory.page === undefined ? {} : { hugePages: memory.page }), ...guestCells(cells, facts) };
}

/**
 * The NUMA nodes of a guest: those of the host that it has memory of. Virtual CPUs where it has none count to the nearest one.
 * A guest with one is told nothing about NUMA, and nothing is bound where the host has one only.
 */
function guestCells(all: readonly Required<MemoryCell>[], facts: NodeFacts): Pick<VmMemory, 'cells' | 'distances'> {
  const near = (from: number, { hostNode }: Required<MemoryCell>): number => distance(facts, from, hostNode);
  const holding = all.filter(({ size }) => size > 0);
  const homes = all.map((cell) => holding.toSorted((a, b) => near(cell.hostNode, a) - near(cell.hostNode, b))[0]);
  const cells = holding.map((cell) => {
    const vcpus = all.flatMap((each, at) => (homes[at] === cell ? each.vcpus : [])).sort((a, b) => a - b);
    return { ...cell, vcpus };
  });
  if (facts.numa.length === 1) return { cells: cells.map(({ size, vcpus }) => ({ size, vcpus })) };
  if (cells.length === 1) return { cells };
  const nodes = cells.map(({ hostNode }) => hostNode);
  return { cells, distances: nodes.map((from) => nodes.map((to) => distance(facts, from, to))) };
}

/** A VM whose virtual CPUs run where the node's kernel likes. */
export function floating(vm: PlacedVm, page: number | undefined, why: string): Placement {
  const size = guestMemory(vm, page);
  const vcpus = Array.from({ length: vm.vcpus }, (_, at) => at);
  const memory = { ...(page === undefined ? {} : { hugePages: page }), cells: [{ size, vcpus }] };
  return { name: vm.name, memory, reason: `virtual CPUs are not pinned: ${why}${inPages(page)}` };
}

/** A VM with all that was decided for it. */
export function settled({ vm, cpus, memory, nodes }: PlacedCpus, pool: CpuPool): Placement {
  const ids = cpus.map(({ id }) => id);
  const others = othersOf(ids, nodes, pool);
  const topology = guestTopology(
    cpus,
    memory.cells.map(({ vcpus }) => vcpus.length),
  );
  const apart = others.every((cpu) => !ids.includes(cpu));
  const where = [
    `virtual CPUs on ${inOrder(ids)}`,
    `QEMU's other threads on ${apart ? formatRanges(others) : 'the same'}`,
    ...memory.cells.flatMap(({ size, hostNode }) =>
      hostNode === undefined ? [] : [`${formatSize(size)} of NUMA node ${hostNode}`],
    ),
  ];
  return {
    name: vm.name,
    pins: { vcpus: ids, others },
    topology,
    memory,
    reason: where.join(', ') + inPages(memory.hugePages),
  };
}

function inPages(page: number | undefined): string {
  return page === undefined ? '' : `, in huge pages of ${formatSize(page)}`;
}

/** The CPUs of the virtual CPUs in their order, short where that is the usual one. */
function inOrder(ids: readonly number[]): string {
  const ascending = ids.every((id, at) => at === 0 || id > (ids[at - 1] ?? id));
  return `CPU ${ascending ? formatRanges(ids) : ids.join(' ')}`;
}

/** Where QEMU's other threads disturb least: near cores without virtual CPUs, far ones, second threads of cores, their own. */
function othersOf(ids: readonly number[], nodes: readonly number[], pool: CpuPool): readonly number[] {
  const choices = [() => pool.idle(nodes), () => pool.idle(), () => pool.beside(nodes), () => pool.beside()];
  for (const choice of choices) {
    const cpus = choice();
    if (cpus.length > 0) return cpus;
  }
  return [...ids].sort((a, b) => a - b);
}
