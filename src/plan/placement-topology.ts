import type { GuestTopology } from '../vm/spec.ts';
import { coreKey, dieKey, type LogicalCpu } from './node-facts.ts';

/**
 * The processor that a guest is shown: the shape of the host's CPUs that it runs on, where that is regular. Where it is not, or a
 * NUMA node is smaller than the host's package, a package for each NUMA node, so that no cache of the guest spans two of them.
 * @param cpus those of the virtual CPUs, in their order
 * @param cells how many virtual CPUs each NUMA node of the guest has
 */
export function guestTopology(cpus: readonly LogicalCpu[], cells: readonly number[]): GuestTopology {
  const flat = { sockets: 1, dies: 1, cores: cpus.length, threads: 1 };
  const count = cells.filter((size) => size > 0).length;
  const mirrored = mirror(cpus);
  if (mirrored !== undefined && (count === 1 || !splitsDie(cpus))) return mirrored;
  if (count === 1) return flat;
  const [size = 0] = cells;
  const even = cells.every((each) => each === size || each === 0);
  if (!even) return { ...flat, sockets: cpus.length, cores: 1 };
  const threads = mirrored?.threads ?? 1;
  return { sockets: count, dies: 1, cores: size / threads, threads };
}

function mirror(cpus: readonly LogicalCpu[]): GuestTopology | undefined {
  const sockets = runs(cpus, (cpu) => cpu.package);
  const dies = runs(cpus, dieKey);
  const cores = runs(cpus, coreKey);
  if (sockets === undefined || dies === undefined || cores === undefined) return undefined;
  const shape = { sockets, dies: dies / sockets, cores: cores / dies, threads: cpus.length / cores };
  return [shape.dies, shape.cores, shape.threads].every(Number.isInteger) ? shape : undefined;
}

/** How many runs of equal length there are of CPUs with one key; undefined when they are not regular. */
function runs(cpus: readonly LogicalCpu[], key: (cpu: LogicalCpu) => number): number | undefined {
  const keys = cpus.map(key);
  const distinct = new Set(keys).size;
  const length = keys.length / distinct;
  return keys.every((each, at) => each === keys[at - (at % length)]) ? distinct : undefined;
}

function splitsDie(cpus: readonly LogicalCpu[]): boolean {
  const nodes = new Map<number, number>();
  return cpus.some((cpu) => {
    const die = dieKey(cpu);
    const node = nodes.get(die) ?? cpu.node;
    nodes.set(die, node);
    return node !== cpu.node;
  });
}
