import type { HostSlots, NodeRequest } from '../../pbs/index.ts';
import type { Allocation } from './job.ts';

/** A virtual node: a name and a number of slots on this machine. */
export interface VirtualNode {
  readonly name: string;
  readonly np: number;
}

/** `node1` ... with `np` slots each. */
export function virtualNodes(count: number, np: number): VirtualNode[] {
  return Array.from({ length: count }, (_, i) => ({ name: `node${i + 1}`, np }));
}

/** Slots in use, by node. */
export type Occupied = ReadonlyMap<string, ReadonlySet<number>>;

export function occupiedBy(allocations: Iterable<Allocation>): Map<string, Set<number>> {
  const occupied = new Map<string, Set<number>>();
  for (const { node, slots } of allocations) {
    const taken = occupied.get(node) ?? new Set();
    for (const slot of slots) taken.add(slot);
    occupied.set(node, taken);
  }
  return occupied;
}

/**
 * Find slots for a request: nodes in their order, each used by one part of the request only, lowest slots first.
 * Named nodes are set aside first, so that the others do not take them. Undefined: there is no room.
 */
export function allocate(
  request: readonly NodeRequest[],
  nodes: readonly VirtualNode[],
  occupied: Occupied,
): Allocation[] | undefined {
  const used = new Set<string>();
  const found = new Map<NodeRequest, Allocation[]>();
  const take = (part: NodeRequest, candidates: readonly VirtualNode[]): boolean => {
    const allocations: Allocation[] = [];
    for (const node of candidates) {
      if (allocations.length === part.count) break;
      const slots = used.has(node.name) ? [] : freeSlots(node, occupied).slice(0, part.ppn);
      if (slots.length < part.ppn) continue;
      used.add(node.name);
      allocations.push({ node: node.name, slots });
    }
    found.set(part, allocations);
    return allocations.length === part.count && part.gpus === 0 && part.properties.length === 0;
  };
  const named = request.filter(({ host }) => host !== undefined);
  const counted = request.filter(({ host }) => host === undefined);
  const there =
    named.every((part) =>
      take(
        part,
        nodes.filter(({ name }) => name === part.host),
      ),
    ) && counted.every((part) => take(part, nodes));
  return there ? request.flatMap((part) => found.get(part) ?? []) : undefined;
}

function freeSlots(node: VirtualNode, occupied: Occupied): number[] {
  const taken = occupied.get(node.name);
  return Array.from({ length: node.np }, (_, slot) => slot).filter((slot) => taken?.has(slot) !== true);
}

/** `node1/0-1+node2/0,3` */
export function formatExecHost(allocation: readonly Allocation[]): string {
  return allocation.map(({ node, slots }) => `${node}/${formatSlots(slots)}`).join('+');
}

/** `0-1,3` */
export function formatSlots(slots: readonly number[]): string {
  const ranges: [from: number, to: number][] = [];
  for (const slot of slots) {
    const last = ranges.at(-1);
    if (last !== undefined && slot === last[1] + 1) last[1] = slot;
    else ranges.push([slot, slot]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

export function hostSlots(allocation: readonly Allocation[]): HostSlots[] {
  return allocation.map(({ node, slots }) => ({ host: node, slots: slots.length }));
}
