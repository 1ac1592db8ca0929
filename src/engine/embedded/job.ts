import { formatJobId, type JobId } from '../../pbs/index.ts';
import type { Dependency } from './depend.ts';

/** Queued, held, running, complete. */
export type JobState = 'Q' | 'H' | 'R' | 'C';

/** What qsub hands in, besides the script. Paths are absolute. */
export interface Submission {
  readonly name: string;
  /** In the order given; the command line's have replaced the directives'. */
  readonly resources: readonly (readonly [name: string, value: string])[];
  readonly queue: string;
  readonly output?: string | undefined;
  readonly error?: string | undefined;
  readonly join: 'n' | 'oe' | 'eo';
  readonly keep: 'n' | 'o' | 'e' | 'oe';
  readonly hold: boolean;
  readonly shell?: string | undefined;
  /** The text of -F. */
  readonly args?: string | undefined;
  /** The text of -t. */
  readonly array?: string | undefined;
  readonly account?: string | undefined;
  /** The text of -W depend=. */
  readonly depend?: string | undefined;
  /** -T: which of the site's hooks run. */
  readonly jobType?: string | undefined;
  /** Octal. */
  readonly umask?: string | undefined;
  readonly killDelay?: number | undefined;
  readonly rerunable: boolean;
  /** The job's variables: PBS_O_*, those of -v and of -V. */
  readonly variables: readonly (readonly [name: string, value: string])[];
  readonly workDir: string;
  /** -d: where the job starts. */
  readonly initDir?: string | undefined;
  readonly submitArgs: string;
  readonly submitHost: string;
  /** -I: the job runs at the submitter's terminal, over the connection that submitted it. */
  readonly interactive?: boolean | undefined;
  /** -x: what it runs, in the words of its shell. */
  readonly command?: string | undefined;
  /** -X: the X display of the job, as DISPLAY names it. Its secret does not stand here: see `submit` in the protocol. */
  readonly display?: string | undefined;
  /** The variable TERM. */
  readonly terminalType?: string | undefined;
  /** Of the terminal when it starts. */
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export interface Owner {
  readonly uid: number;
  readonly name: string;
  readonly group: string;
  readonly home: string;
}

/** Slots of one node. */
export interface Allocation {
  readonly node: string;
  readonly slots: readonly number[];
}

export interface Used {
  readonly cpuMs: number;
  readonly memKb: number;
  readonly vmemKb: number;
}

/** A job, an array, or one element of an array. Times are milliseconds since 1970. */
export interface Job {
  readonly id: string;
  readonly sequence: number;
  readonly element?: number | 'all';
  /** Of an array: its elements' numbers and how many may run at once. */
  readonly indexes?: readonly number[];
  slotLimit?: number | undefined;
  readonly owner: Owner;
  /** Of the script as it was submitted, which is kept until the job, or its array, is complete. Undefined for elements. */
  readonly scriptBytes?: number;
  submission: Submission;
  /** What qalter has changed of the submission, which an array's elements share. */
  altered?: Partial<Submission> | undefined;
  readonly ctime: number;
  readonly cookie: string;
  state: JobState;
  mtime: number;
  qtime: number;
  /** When it became eligible to run; none while it is held. */
  etime?: number | undefined;
  startTime?: number | undefined;
  endTime?: number | undefined;
  allocation?: readonly Allocation[] | undefined;
  /** How often it was started; names its run directory. */
  attempt: number;
  /** Which boot of the machine it was started in. */
  boot?: string | undefined;
  session?: number | undefined;
  exitStatus?: number | undefined;
  used?: Used | undefined;
  comment?: string | undefined;
  /** What it waits for, and who waits for it. */
  depend?: readonly Dependency[] | undefined;
  /** Which holds it has: `u` of its user, `o` of an operator, `s` of the system. It is held as long as there is one. */
  holds?: string;
  /** qdel was asked for. */
  deleting?: boolean;
  /** qrerun was asked for: it goes back to the queue when what runs has ended. */
  rerunning?: boolean | undefined;
  /** Its shepherds were killed, and this is what another one was sent for. */
  abandoned?: 'finish' | 'discard' | undefined;
}

export type Hold = 'u' | 'o' | 's';

/** The letters of a job's holds, in the order `uos`. */
export function holdsOf({ holds, state }: Pick<Job, 'holds' | 'state'>): string {
  return holds ?? (state === 'H' ? 'u' : '');
}

/** What changes in a job that waits when it has these holds from now on. */
export function withHolds(job: Job, wanted: Iterable<string>, now: number): Partial<Job> {
  const set = new Set(wanted);
  const holds = ['u', 'o', 's'].filter((letter) => set.has(letter)).join('');
  if (job.state !== 'Q' && job.state !== 'H') return {};
  if (holds !== '') return { holds, state: 'H', etime: undefined };
  return job.state === 'Q' ? {} : { holds, state: 'Q', etime: now };
}

export function isArray(job: Pick<Job, 'element'>): boolean {
  return job.element === 'all';
}

/** The name that its element carries: `arr-1`. */
export function nameOf(job: Pick<Job, 'element' | 'submission'>): string {
  return typeof job.element === 'number' ? `${job.submission.name}-${job.element}` : job.submission.name;
}

export function jobId(server: string, sequence: number, element?: number | 'all'): string {
  return formatJobId(asParts(sequence, element, server));
}

export function asParts(sequence: number, element?: number | 'all', server?: string): JobId {
  return { sequence, ...(element === undefined ? {} : { element }), ...(server === undefined ? {} : { server }) };
}

export function resourceOf(job: Pick<Job, 'submission'>, name: string): string | undefined {
  return job.submission.resources.find(([key]) => key === name)?.[1];
}
