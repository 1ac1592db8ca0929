import { coreKey, type LogicalCpu, type NodeFacts } from './node-facts.ts';

/** What a virtual CPU gets: a core, a hardware thread of a core that only its VM has, or any hardware thread. */
export type CpuLevel = 'core' | 'whole' | 'thread';

/** A core, as far as it is free. */
interface Core {
  /** Of its CPUs those that can be had, by id. */
  free: LogicalCpu[];
  /** A VM of this job has some of it. */
  used: boolean;
  /** Others have some of it. */
  readonly spoiled: boolean;
}

export interface CpuPoolOptions {
  readonly hostCores: number;
  readonly taken?: readonly number[];
}

/** The CPUs of a node that VMs of a job may still be pinned to. */
export class CpuPool {
  readonly level: CpuLevel;
  /** By NUMA node and cache, each in the order in which cores lie. */
  readonly #caches: ReadonlyMap<number, readonly (readonly Core[])[]>;
  readonly #room = new Map<number, number>();
  /** Asked for by each VM, when all have their place. */
  readonly #left = new Map<string, readonly number[]>();

  constructor(facts: NodeFacts, options: CpuPoolOptions, level: CpuLevel) {
    this.level = level;
    this.#caches = freeCores(facts, options);
    for (const node of this.#caches.keys()) this.#room.set(node, this.#roomsOf(node).reduce(add, 0));
  }

  /** How many virtual CPUs can be pinned, to one NUMA node or to all of them. */
  room(node?: number): number {
    if (node !== undefined) return this.#room.get(node) ?? 0;
    return [...this.#room.values()].reduce((sum, room) => sum + room, 0);
  }

  /** Take CPUs of a NUMA node, with as few caches as can be; there must be room. In the order of cores. */
  take(node: number, count: number): LogicalCpu[] {
    this.#left.clear();
    const caches = this.#caches.get(node) ?? [];
    const taken: LogicalCpu[] = [];
    while (taken.length < count) {
      const missing = count - taken.length;
      const rooms = this.#roomsOf(node);
      const best = Math.min(...rooms.filter((room) => room >= missing));
      const at = rooms.indexOf(best === Number.POSITIVE_INFINITY ? Math.max(...rooms) : best);
      const got = this.#takeFrom(caches[at] ?? [], missing);
      if (got.length === 0) throw new Error('there is no room for a virtual CPU');
      taken.push(...got);
    }
    this.#room.set(node, this.#roomsOf(node).reduce(add, 0));
    return taken.sort(byPlace);
  }

  /** Take these very CPUs; those that are not free are named. */
  takeThese(ids: readonly number[]): { readonly taken: LogicalCpu[]; readonly missing: number[] } {
    this.#left.clear();
    const cores = [...this.#caches.values()].flat(2);
    const taken: LogicalCpu[] = [];
    const missing: number[] = [];
    for (const id of ids) {
      const core = cores.find(({ free }) => free.some((cpu) => cpu.id === id));
      const cpu = core?.free.find((each) => each.id === id);
      if (core === undefined || cpu === undefined) {
        missing.push(id);
        continue;
      }
      core.free = core.free.filter((each) => each !== cpu);
      core.used = true;
      taken.push(cpu);
    }
    return { taken, missing };
  }

  /** CPUs of cores without any virtual CPU, where QEMU's other threads disturb nobody. */
  idle(nodes?: readonly number[]): readonly number[] {
    return this.#leftOf(nodes, false);
  }

  /** CPUs beside virtual CPUs, on the same cores. */
  beside(nodes?: readonly number[]): readonly number[] {
    return this.#leftOf(nodes, true);
  }

  #leftOf(nodes: readonly number[] | undefined, used: boolean): readonly number[] {
    const key = `${used} ${nodes?.join() ?? 'all'}`;
    const known = this.#left.get(key);
    if (known !== undefined) return known;
    const ids: number[] = [];
    for (const [node, caches] of this.#caches) {
      if (nodes?.includes(node) === false) continue;
      for (const core of caches.flat()) {
        if (core.spoiled || core.used !== used) continue;
        for (const { id } of core.free) ids.push(id);
      }
    }
    ids.sort((a, b) => a - b);
    this.#left.set(key, ids);
    return ids;
  }

  /** Of each cache of a NUMA node. */
  #roomsOf(node: number): number[] {
    return (this.#caches.get(node) ?? []).map((cores) => cores.reduce((sum, core) => sum + this.#roomOf(core), 0));
  }

  #roomOf({ free, used, spoiled }: Core): number {
    if (this.level === 'thread') return free.length;
    if (used || spoiled) return 0;
    return this.level === 'core' ? Math.min(1, free.length) : free.length;
  }

  #takeFrom(cores: readonly Core[], most: number): LogicalCpu[] {
    const taken: LogicalCpu[] = [];
    for (const core of cores) {
      const count = Math.min(most - taken.length, this.#roomOf(core));
      if (count <= 0) continue;
      taken.push(...core.free.slice(0, count));
      core.free = core.free.slice(count);
      core.used = true;
    }
    return taken;
  }
}

function freeCores(facts: NodeFacts, { hostCores, taken = [] }: CpuPoolOptions): Map<number, Core[][]> {
  const allowed = new Set(facts.allowed);
  const others = new Set(taken);
  const all = [...Map.groupBy(facts.cpus, coreKey).values()];
  const kept = new Set(hostCores === 0 ? [] : all.toSorted((a, b) => lowest(a) - lowest(b)).slice(0, hostCores));
  const nodes = new Map<number, Map<number, Core[]>>();
  for (const cpus of all.sort(([a], [b]) => (a === undefined || b === undefined ? 0 : byPlace(a, b)))) {
    const [first] = cpus;
    const free = cpus.filter(({ id }) => allowed.has(id) && !others.has(id));
    if (first === undefined || kept.has(cpus) || free.length === 0) continue;
    const spoiled = others.size > 0 && cpus.some(({ id }) => others.has(id));
    const caches = nodes.get(first.node) ?? new Map<number, Core[]>();
    const cores = caches.get(first.cache) ?? [];
    cores.push({ free, used: false, spoiled });
    nodes.set(first.node, caches.set(first.cache, cores));
  }
  return new Map([...nodes].map(([node, caches]) => [node, [...caches.values()]]));
}

function add(a: number, b: number): number {
  return a + b;
}

function lowest(cpus: readonly LogicalCpu[]): number {
  return cpus.reduce((least, { id }) => Math.min(least, id), Number.POSITIVE_INFINITY);
}

/** The order of virtual CPUs: their threads, cores, dies and packages follow one another as QEMU numbers them. */
export function byPlace(a: LogicalCpu, b: LogicalCpu): number {
  return a.node - b.node || a.package - b.package || a.die - b.die || a.core - b.core || a.id - b.id;
}
