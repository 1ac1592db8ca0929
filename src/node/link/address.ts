import { networkInterfaces } from 'node:os';
import type { Allocation } from '../../engine/index.ts';

/** Where a process of a job listens, and by which names and addresses others look for it. */
export interface ListenPlace {
  /** Undefined: all addresses. */
  readonly listen: string | undefined;
  readonly hosts: readonly string[];
}

/** More would only make a node that reaches none of them wait longer. */
const most = 8;

/** @param own addresses of this machine that others may reach */
export function listenPlace(
  { engine, nodes, nodeIndex }: Pick<Allocation, 'engine' | 'nodes' | 'nodeIndex'>,
  own: readonly string[] = ownAddresses(),
): ListenPlace {
  // All its nodes are this machine: nobody else needs to see the port.
  if (engine === 'embedded') return { listen: '127.0.0.1', hosts: ['127.0.0.1'] };
  // The batch system's own name for this node leads here from the others, or it could not run jobs on both.
  const name = nodes[nodeIndex]?.name ?? '';
  return { listen: undefined, hosts: [name, ...own].slice(0, most) };
}

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:')).map(({ address }) => address);
}
