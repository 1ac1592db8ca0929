import type { NodeFacts } from './node-facts.ts';

/** What a set of NUMA nodes is wanted for. */
export interface NumaNeed {
  readonly vcpus: number;
  /** Bytes. */
  readonly memory: number;
  /** Room on a NUMA node, by its id. */
  readonly cpuRoom: (node: number) => number;
  readonly memoryRoom: (node: number) => number;
}

/** More sets than these are not all looked at. */
const manySets = 3000;

/**
 * The smallest set of NUMA nodes that holds a VM: of several the nearest together, of these the one with the most room, so that
 * VMs are spread. With very many NUMA nodes sets of neighbours stand for all.
 * @returns ids in their order; undefined when not even all together hold it
 */
export function smallestSet(facts: NodeFacts, need: NumaNeed): number[] | undefined {
  const ids = facts.numa.map(({ id }) => id).filter((id) => need.cpuRoom(id) > 0 || need.memoryRoom(id) > 0);
  const alone = ids.filter((id) => holds([id], need));
  // By far the most frequent.
  if (alone.length > 0) return [roomiest(alone, need)];
  const least = Math.max(fewest(ids.map(need.cpuRoom), need.vcpus), fewest(ids.map(need.memoryRoom), need.memory));
  for (let size = Math.max(2, least); size <= ids.length; size++) {
    const sets = choose(ids.length, size) <= manySets ? subsets(ids, size) : neighbours(facts, ids, size);
    const holding = sets.filter((set) => holds(set, need));
    if (holding.length > 0) return best(facts, holding, need);
  }
  return undefined;
}

function holds(set: readonly number[], { vcpus, memory, cpuRoom, memoryRoom }: NumaNeed): boolean {
  return sum(set, cpuRoom) >= vcpus && sum(set, memoryRoom) >= memory;
}

function roomiest(nodes: readonly number[], { cpuRoom, memoryRoom }: NumaNeed): number {
  const better = (a: number, b: number): boolean =>
    cpuRoom(b) > cpuRoom(a) || (cpuRoom(b) === cpuRoom(a) && memoryRoom(b) > memoryRoom(a));
  return nodes.reduce((found, node) => (better(found, node) ? node : found));
}

function sum(set: readonly number[], of: (node: number) => number): number {
  return set.reduce((total, node) => total + of(node), 0);
}

/** How many of the largest rooms it takes at least. */
function fewest(rooms: readonly number[], wanted: number): number {
  let total = 0;
  const at = rooms
    .toSorted((a, b) => b - a)
    .findIndex((room) => {
      total += room;
      return total >= wanted;
    });
  return at < 0 ? rooms.length : at + 1;
}

function best(facts: NodeFacts, sets: readonly (readonly number[])[], { cpuRoom, memoryRoom }: NumaNeed): number[] {
  const ranked = sets.map((set) => ({
    set,
    apart: spread(facts, set),
    room: sum(set, cpuRoom),
    memory: sum(set, memoryRoom),
  }));
  const [first] = ranked.sort((a, b) => a.apart - b.apart || b.room - a.room || b.memory - a.memory);
  return [...(first?.set ?? [])].sort((a, b) => a - b);
}

/** Sum of the distances within a set. */
function spread(facts: NodeFacts, set: readonly number[]): number {
  if (set.length === 1) return 0;
  return set.reduce((total, from) => total + sum(set, (to) => distance(facts, from, to)), 0);
}

/** Between two NUMA nodes, by the host's own table. */
export function distance(facts: NodeFacts, from: number, to: number): number {
  const at = facts.numa.findIndex(({ id }) => id === to);
  return facts.numa.find(({ id }) => id === from)?.distances[at] ?? (from === to ? 10 : 20);
}

function choose(n: number, k: number): number {
  return Array.from({ length: k }, (_, index) => (n - index) / (index + 1)).reduce(
    (product, each) => product * each,
    1,
  );
}

function subsets(ids: readonly number[], size: number): number[][] {
  if (size === 0) return [[]];
  return ids.flatMap((id, at) => subsets(ids.slice(at + 1), size - 1).map((rest) => [id, ...rest]));
}

/** Of each NUMA node the set with those next to it. */
function neighbours(facts: NodeFacts, ids: readonly number[], size: number): number[][] {
  return ids.map((from) =>
    ids.toSorted((a, b) => distance(facts, from, a) - distance(facts, from, b) || a - b).slice(0, size),
  );
}
