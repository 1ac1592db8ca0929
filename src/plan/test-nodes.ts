import { GiB } from '../base/index.ts';
import type { LogicalCpu, NodeFacts, NumaNode } from './node-facts.ts';
import { type PlacedVm, type Placement, type PlacementOptions, planPlacement } from './placement.ts';
import { planVms } from './plan.ts';

/** How a node of a test is built: so many of each in the one before. */
export interface NodeShape {
  readonly packages?: number;
  readonly dies?: number;
  /** NUMA nodes in a package. */
  readonly numa?: number;
  /** In a NUMA node. */
  readonly cores?: number;
  readonly threads?: number;
  /** Bytes free in a NUMA node. */
  readonly free?: number;
  readonly hugePages?: NumaNode['hugePages'];
}

/** A node as Linux numbers it: first one thread of each core, package by package, then the second ones. */
export function aNode(shape: NodeShape = {}, changes: Partial<NodeFacts> = {}): NodeFacts {
  const { packages = 1, dies = 1, numa = 1, cores = 2, threads = 1, free = 16 * GiB, hugePages = [] } = shape;
  const nodes = packages * numa;
  const cpus = Array.from({ length: threads * nodes * cores }, (_, id): LogicalCpu => {
    const at = id % (nodes * cores);
    const node = Math.floor(at / cores);
    const inPackage = at % (numa * cores);
    const die = Math.floor(inPackage / ((numa * cores) / dies));
    const package_ = Math.floor(node / numa);
    return { id, package: package_, die, core: inPackage, node, cache: Math.floor(at / ((numa * cores) / dies)) };
  });
  const far = (from: number, to: number): number =>
    from === to ? 10 : Math.floor(from / numa) === Math.floor(to / numa) ? 12 : 32;
  const ids = Array.from({ length: nodes }, (_, id) => id);
  return {
    cpus,
    allowed: cpus.map(({ id }) => id),
    isMachine: true,
    numa: ids.map((id) => ({ id, free, distances: ids.map((to) => far(id, to)), hugePages })),
    memoryNodes: ids,
    memory: { total: free * nodes },
    ...changes,
  };
}

export function someOptions(changes: Partial<PlacementOptions> = {}): PlacementOptions {
  return {
    ...{ pinning: 'auto', hugePages: false, smt: 'auto', hostCores: 0, hostRam: 0 },
    ...{ slots: 1, node: 'n1' },
    ...changes,
  };
}

export function someVms(count: number, vcpus: number, ram = GiB): PlacedVm[] {
  return Array.from({ length: count }, (_, at) => ({ name: `vn1-${at + 1}`, index: at + 1, vcpus, ram }));
}

export function place(
  vms: readonly PlacedVm[],
  facts: NodeFacts,
  changes: Partial<PlacementOptions> = {},
): Placement[] {
  return planPlacement(vms, facts, someOptions(changes));
}

/** To which its virtual CPUs are pinned. */
export function cpusOf({ pins }: Placement): readonly number[] {
  return pins?.vcpus ?? [];
}

/** Plan a job on a large machine, whose nodes are of some kinds in turn, and place its VMs on all of them. */
export function placeOnMany(nodes: number, vmsPerNode: number): Placement[] {
  const kinds = [
    aNode({ cores: 64 }),
    aNode({ packages: 2, cores: 16, threads: 2 }),
    aNode({ packages: 2, cores: 24, threads: 2 }),
    aNode({ packages: 2, numa: 4, dies: 8, cores: 16, threads: 2 }),
  ];
  const hosts = Array.from({ length: nodes }, (_, at) => ({ host: `n${at}.cluster.example` }));
  const vms = planVms({ img: 'host', vcpus: 4, ram: GiB, vmsPerNode }, hosts);
  return hosts.flatMap(({ host }, at) => {
    const here = vms.slice(at * vmsPerNode, (at + 1) * vmsPerNode);
    return planPlacement(here, kinds[at % kinds.length] ?? aNode(), someOptions({ node: host }));
  });
}
