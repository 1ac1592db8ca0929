/** A logical CPU of a node that is online: a hardware thread. */
export interface LogicalCpu {
  readonly id: number;
  readonly package: number;
  readonly die: number;
  /** Unique within its package and die only. */
  readonly core: number;
  /** Its NUMA node. */
  readonly node: number;
  /** The same number for all that share a last-level cache. */
  readonly cache: number;
}

/** One number for each die: the kernel's own are unique within a package only. */
export function dieKey(cpu: LogicalCpu): number {
  return cpu.package * 4096 + cpu.die;
}

/** One number for each core. */
export function coreKey(cpu: LogicalCpu): number {
  return dieKey(cpu) * 65_536 + cpu.core;
}

export interface HugePages {
  /** Bytes of a page. */
  readonly size: number;
  /** Pages that nobody has. */
  readonly free: number;
}

export interface NumaNode {
  readonly id: number;
  /** Bytes that can be had there, with what the kernel keeps of files only because nobody wants the room. */
  readonly free: number;
  /** To each of the node's NUMA nodes, in their order; 10 is near. */
  readonly distances: readonly number[];
  readonly hugePages: readonly HugePages[];
}

/** The hardware of a node as one job may use it. */
export interface NodeFacts {
  /** All that are online, by id. */
  readonly cpus: readonly LogicalCpu[];
  /** Those of them that the job may use. */
  readonly allowed: readonly number[];
  /** By id; at least one. */
  readonly numa: readonly NumaNode[];
  /** Whether the node is a machine, as far as one sees from inside; in a container others may have the same cores. */
  readonly isMachine: boolean;
  /** NUMA nodes whose memory the job may use. */
  readonly memoryNodes: readonly number[];
  /** Bytes. `limit`: what the job's cgroup may have at most, where there is a limit. */
  readonly memory: { readonly total: number; readonly limit?: number };
  /** Maker of the processors, as they call themselves: `AuthenticAMD`. */
  readonly vendor?: string;
}
