import type { Env } from '../base/index.ts';
import type { EffectiveOptions } from '../pbs/index.ts';

export type EngineName = 'embedded' | 'torque' | 'openpbs' | 'slurm';

/** One node of a batch system, as far as a request can be checked against it. */
export interface BatchNode {
  /** As the batch system has it. */
  readonly name: string;
  /** Slots. */
  readonly np: number;
  /** Bytes. */
  readonly memory: number;
  /** In the words of the batch system. */
  readonly state: string;
}

/** A batch job in the language of qsub, with nothing of ours in it. */
export interface JobDescription {
  /** Words for qsub, without its name. */
  readonly argv: readonly string[];
  /** What the batch system is to run. */
  readonly script: {
    /** Its base name, from which a job without -N has its own. */
    readonly name: string;
    readonly bytes: Uint8Array;
    /** Index in `argv` of the word that named it; without it the script came on standard input. */
    readonly at?: number | undefined;
  };
  /** What the words and the directives of the script ask for together: for batch systems that have no qsub. */
  readonly options: EffectiveOptions;
  /** Return what the batch system's command says on standard error, instead of having it said there. */
  readonly keepErrors?: boolean | undefined;
}

/** What submits an interactive job and connects its program with its own streams, which need no terminal. */
export interface InteractiveCommand {
  readonly command: readonly [string, ...string[]];
  /** Its environment, where that is not the caller's. */
  readonly env?: Env;
  /**
   * What a line of its standard error is to the user: in qsub's words for standard output where those say the same, nothing, or the line
   * itself. Where there is no such function, all of it is for him as it is. Either way its standard output tells the job's id as qsub -I does.
   */
  readonly inWords?: (line: string) => { readonly to: 'stdout' | 'stderr'; readonly text: string };
}

/** The answer to a submission. Why a job was refused has been said on standard error, in the words of the batch system, or is in `errors`. */
export type Submitted =
  | { readonly code: 0; readonly id: string; readonly errors?: string }
  /** The code of the batch system's own command. `output` is what that printed on its standard output. */
  | { readonly code: number; readonly output: string; readonly errors?: string };

/**
 * Queued: waits for its turn. Held: waits for somebody or for another job. Ending: its script has ended, the batch system
 * is not done with it. Complete: over; batch systems forget it some time later.
 */
export type JobState = 'queued' | 'held' | 'running' | 'ending' | 'complete';

export interface JobStatus {
  readonly id: string;
  readonly name: string;
  /** Of the user, without a host. */
  readonly owner: string;
  readonly queue: string;
  readonly state: JobState;
  /** Those of the job while it runs, the first one first; as the batch system names them. */
  readonly nodes: readonly string[];
  /** Of a complete job whose end the batch system has recorded: 0 to 255, 128 + n or 256 + n for a signal, less than 0 for what its documentation says. */
  readonly exitStatus?: number;
}

/** Which jobs may have something on this node. Unknown is no empty list: nothing may be removed then. */
export type LiveJobs =
  | {
      readonly known: true;
      /** As `Allocation.cluster`. */
      readonly cluster: string;
      readonly ids: ReadonlySet<string>;
    }
  | { readonly known: false; readonly why: string };

/**
 * A batch system below vTorque, as its users see it. Every call ends within a deadline; what the batch system refuses, or
 * does not answer, is a VtorqueError `E_ENGINE` with its own words.
 */
export interface Engine {
  readonly name: EngineName;
  /** Absolute path of its qsub, where it has one that takes every word of qsub. */
  readonly qsub?: string;
  /**
   * Refuse what its qsub lacks, or takes for something else than Torque's does, before anything is made of it.
   * @throws VtorqueError
   */
  check?(job: Pick<JobDescription, 'argv' | 'options'>): Promise<void>;
  /**
   * How an interactive job is submitted that runs a program.
   * @param options for qsub
   * @param program its words mean the same to a shell
   * @throws VtorqueError for what the batch system has not
   */
  interactiveCommand(options: readonly string[], program: readonly string[]): Promise<InteractiveCommand>;
  /** Hand a job in. Signals of the caller go on to the command that does it. */
  submit(job: JobDescription): Promise<Submitted>;
  /** In one question for all; jobs that it does not know are not in the answer. An element of an array is a job, too. */
  status(ids: readonly string[]): Promise<ReadonlyMap<string, JobStatus>>;
  cancel(ids: readonly string[]): Promise<void>;
  hold(ids: readonly string[]): Promise<void>;
  release(ids: readonly string[]): Promise<void>;
  signal(ids: readonly string[], signal: NodeJS.Signals): Promise<void>;
  /** Undefined when it does not tell. */
  nodes(): Promise<readonly BatchNode[] | undefined>;
  /** Names of the queues that jobs may be submitted to; undefined when it does not tell. */
  queues(): Promise<readonly string[] | undefined>;
  /** For what clears up after jobs. Never throws. */
  liveJobs(): Promise<LiveJobs>;
  /** Whether its server tells root of this host of everybody's jobs; only of those that may be told not to. */
  rootSeesAllJobs?(): Promise<boolean>;
}

/** Slots that a job has on one node. */
export interface AllocatedNode {
  /** As the batch system has it. */
  readonly name: string;
  readonly slots: number;
}

/** What a batch system has given to the job that this process is part of. */
export interface Allocation {
  readonly engine: EngineName;
  /** Which one of several batch systems of that kind: their job ids may be the same. */
  readonly cluster: string;
  readonly jobId: string;
  /** Differs between two runs of one job, as after a requeue; the same on all nodes. */
  readonly attempt: string;
  /** The first one is the mother superior, where the script starts. Each is there once. */
  readonly nodes: readonly AllocatedNode[];
  /** Of this process among `nodes`. */
  readonly nodeIndex: number;
  /** What only processes of the job and root know, the same on all nodes: keys are made from it. */
  readonly secret: string;
}

/** Programs that run once on each of some nodes. Disposing of it ends what still runs, as far as that can be done from here. */
export interface NodeTasks extends AsyncDisposable {
  /** Resolves with words for a person when the batch system says that a task could not be started, or has ended with a failure. Never rejects. */
  readonly failed: Promise<{ readonly node: string | undefined; readonly why: string }>;
}

/** A batch system as a process of one of its jobs sees it. */
export interface JobEngine {
  readonly name: EngineName;
  /** @throws VtorqueError `E_NOT_IN_JOB` */
  allocation(): Promise<Allocation>;
  /**
   * Start a program once on each of `nodes`, as the job's owner, inside the job; never by ssh. Its words reach it as they are.
   * Its output goes where the job's goes; results come another way. Its environment has what `allocation` needs there.
   * @throws VtorqueError `E_NODE_START`
   */
  startOnNodes(
    allocation: Allocation,
    nodes: readonly AllocatedNode[],
    argv: readonly [string, ...string[]],
  ): Promise<NodeTasks>;
}

/** What a hook of the batch system is told. */
export interface HookCall {
  /** `cancel`: the job is about to be ended; whoever the batch system asks is its owner. */
  readonly event: 'prepare' | 'release' | 'cancel';
  /** As in `Allocation`. */
  readonly cluster: string;
  readonly jobId: string;
  /** This one, as the batch system has it. */
  readonly node: string;
  /** As `Allocation.attempt`, where the batch system tells hooks; else undefined, and one attempt is not told from another. */
  readonly attempt: string | undefined;
  readonly owner: string;
  /** Is this the first node of the job? */
  readonly motherSuperior: boolean;
  /** All nodes of the job, as the batch system has them, in no order; undefined where it does not tell this hook. */
  readonly nodes: readonly string[] | undefined;
}
