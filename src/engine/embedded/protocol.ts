import type { BatchNode } from '../engine.ts';
import type { JobState, Submission } from './job.ts';
import type { Queue } from './settings.ts';

/**
 * The language between the commands and the daemon, over a Unix socket: each message is one line of JSON; where it has a
 * field `body`, so many raw bytes follow it (a script). A connection carries one request and its answer, or for `wait`
 * one answer per change until the job is complete. The submission of an interactive job has a second answer,
 * `{"ok":true,"ready":true}`, when the job runs; from then on the connection is its terminal: bare bytes to the client, and
 * from it the frames that the shepherd's `terminal.c` describes.
 */
export const PROTOCOL_VERSION = 1;

/** Room for an environment with -V. */
export const MAX_LINE = 8 << 20;
export const MAX_BODY = 100 << 20;
/** Characters. */
export const MAX_AUTHORITY = 8192;

export type Request =
  | {
      readonly op: 'submit';
      readonly submission: Submission;
      readonly body: number;
      /** The X authority file of an interactive job with a display, in base64. It is kept in memory until the job starts. */
      readonly authority?: string;
    }
  | { readonly op: 'status'; readonly ids?: readonly string[]; readonly elements?: boolean; readonly full?: boolean }
  | { readonly op: 'wait'; readonly id: string }
  | { readonly op: 'delete'; readonly id: string; readonly elements?: string; readonly delayMs?: number }
  | { readonly op: 'hold' | 'release'; readonly id: string; readonly elements?: string; readonly holds?: string }
  | { readonly op: 'alter'; readonly id: string; readonly elements?: string; readonly change: Alteration }
  | { readonly op: 'rerun'; readonly id: string; readonly force?: boolean }
  | { readonly op: 'signal'; readonly id: string; readonly signal: number }
  | { readonly op: 'task'; readonly id: string }
  | { readonly op: 'nodes' }
  | { readonly op: 'server' }
  | {
      readonly op: 'mark';
      readonly node: string;
      readonly offline?: boolean;
      /** Forget that a hook has failed there. */
      readonly reset?: boolean;
      /** Empty: none any more. */
      readonly note?: string;
    }
  | { readonly op: 'info' }
  | { readonly op: 'stop'; readonly killJobs: boolean };

/** What qalter changes of a job. */
export interface Alteration
  extends Partial<
    Pick<
      Submission,
      | 'name'
      | 'resources'
      | 'output'
      | 'error'
      | 'join'
      | 'keep'
      | 'shell'
      | 'account'
      | 'umask'
      | 'rerunable'
      | 'variables'
      | 'depend'
    >
  > {
  /** The holds that it has from now on; empty for none. */
  readonly holds?: string;
  /** Of an array: how many elements may run at once; 0: as many as fit. */
  readonly slotLimit?: number;
}

/** Which answers an operation gives. */
export interface SubmitReply {
  readonly id: string;
}
export interface StatusReply {
  readonly server: string;
  readonly now: number;
  readonly jobs: readonly JobView[];
  /** Ids that were asked for and are not there. */
  readonly unknown: readonly string[];
}
export interface NodeView extends BatchNode {
  /** Slots in use and by which job, in Torque's notation: `0-1/687.head`. */
  readonly jobs: readonly string[];
  readonly note?: string;
}
export interface QueueView extends Queue {
  readonly counts: Readonly<Record<JobState, number>>;
  /** Of running jobs. */
  readonly nodesInUse: number;
  /** Bytes that running jobs have asked for. */
  readonly memoryInUse: number;
}
export interface ServerReply {
  readonly server: string;
  readonly version: string;
  /** Milliseconds since 1970: since when it runs. */
  readonly since: number;
  readonly defaultQueue: string;
  readonly keepCompleted: number;
  readonly downOnError: boolean;
  readonly nextSequence: number;
  readonly queues: readonly QueueView[];
}
export interface NodesReply {
  readonly nodes: readonly NodeView[];
  /** Those that jobs may be submitted to; servers before this field do not tell. */
  readonly queues?: readonly string[];
}
/** What a task of the job beside the script needs (pbsdsh). */
export interface TaskReply {
  readonly env: readonly (readonly [string, string])[];
  readonly hosts: readonly { readonly host: string; readonly slots: number }[];
  readonly cwd: string;
  /** The files that the job's output goes to while it runs. */
  readonly out: string;
  readonly err: string;
}
export interface InfoReply {
  readonly version: string;
  readonly protocol: number;
  readonly pid: number;
  readonly server: string;
  readonly dir: string;
  readonly since: number;
  readonly keepCompleted: number;
  readonly nodes: readonly { readonly name: string; readonly np: number }[];
  readonly jobs: Readonly<Record<JobState, number>>;
}

/** A job as others may see it. Times are milliseconds since 1970. */
export interface JobView {
  readonly id: string;
  readonly sequence: number;
  readonly element?: number | 'all';
  readonly name: string;
  readonly owner: string;
  readonly group: string;
  readonly queue: string;
  readonly state: JobState;
  /** Whether whoever asks may change it as its owner. */
  readonly mine: boolean;
  readonly resources: readonly (readonly [string, string])[];
  readonly ctime: number;
  readonly qtime: number;
  readonly mtime: number;
  readonly etime?: number;
  readonly startTime?: number;
  readonly endTime?: number;
  /** As qstat shows it: `afterok:1.head`. */
  readonly depend?: string;
  /** Letters of `uos`. */
  readonly holds: string;
  readonly startCount: number;
  readonly session?: number;
  readonly exitStatus?: number;
  readonly used?: { readonly cpuMs: number; readonly memKb: number; readonly vmemKb: number };
  readonly execHost?: string;
  readonly comment?: string;
  readonly outputPath: string;
  readonly errorPath: string;
  readonly submitHost: string;
  /** Only in full views. */
  readonly details?: {
    readonly join: string;
    readonly keep: string;
    readonly rerunable: boolean;
    readonly account?: string;
    readonly shell?: string;
    readonly args?: string;
    readonly killDelay?: number;
    readonly arrayRequest?: string;
    readonly initDir: string;
    /** Only for the job's owner and for root: they may hold secrets. */
    readonly variables?: readonly (readonly [string, string])[];
    readonly submitArgs?: string;
  };
}

/** An answer: what was asked for, or what is wrong with it in Torque's number and words. */
export type Reply<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly code: number; readonly message: string };

/** An error of the batch system itself. The commands exit with `code % 256`. */
export class PbsError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = 'PbsError';
    this.code = code;
  }
}

/** Torque's numbers. */
export const PBSE = {
  UNKJOBID: 15001,
  NOATTR: 15002,
  IVALREQ: 15004,
  PERM: 15007,
  SYSTEM: 15012,
  INTERNAL: 15013,
  UNKSIG: 15015,
  BADATVAL: 15016,
  MODATRRUN: 15017,
  BADSTATE: 15018,
  UNKQUE: 15020,
  QUNOENB: 15023,
  UNKRESC: 15037,
  EXCQRESC: 15038,
  NORERUN: 15040,
  BADDEPEND: 15056,
  UNKNODE: 15062,
  PROTOCOL: 15031,
  BAD_ARRAY_REQ: 15083,
} as const;
