import { formatRanges } from '../../base/index.ts';
import type { HostSlots, NodeRequest } from '../../pbs/index.ts';
import type { Allocation } from './job.ts';

/** A virtual node: a name and a number of slots on this machine. */
export interface VirtualNode {
  readonly name: string;
  readonly np: number;
}

/** How many nodes, or their names. */
export type NodeNames = number | readonly string[];

/** `node1` ..., or nodes with these names; `np` slots each. */
export function virtualNodes(nodes: NodeNames, np: number): VirtualNode[] {
  const names = typeof nodes === 'number' ? Array.from({ length: nodes }, (_, i) => `node${i + 1}`) : nodes;
  return names.map((name) => ({ name, np }));
}

const MOST_NODES = 9999;
/** What `-l nodes=` can ask for by name, and no longer than a host name. */
const NODE_NAME = /^[A-Za-z][\w.-]{0,252}$/;

/** Read `4`, or names such as `n1.cluster.example,n2.cluster.example`, each once. Undefined: it is neither. Pure. */
export function readNodeNames(text: string): NodeNames | undefined {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= MOST_NODES ? Number(text) : undefined;
  const names = text.split(',');
  const fit = names.every((name) => NODE_NAME.test(name)) && new Set(names).size === names.length;
  return fit && names.length <= MOST_NODES ? names : undefined;
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
  return allocation.map(({ node, slots }) => `${node}/${formatRanges(slots)}`).join('+');
}

export function hostSlots(allocation: readonly Allocation[]): HostSlots[] {
  return allocation.map(({ node, slots }) => ({ host: node, slots: slots.length }));
}
