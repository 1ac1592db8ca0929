import type { JobState, JobStatus } from '../engine.ts';
import { arrayStatusOf } from '../pbs/job-status.ts';
import { expandHostList } from './host-list.ts';

/** For squeue -o: each field has what no name of a job can hold between it and the next. */
export const statusFormat = ['%i', '%A', '%F', '%T', '%r', '%u', '%P', '%N', '%j'].join('\u001f');

/** A job as squeue tells it. */
export interface KnownJob {
  readonly status: JobStatus;
  /** Which elements of arrays have, too: by it they are known inside the job and to hooks. */
  readonly number: string;
  /** That of the array it is an element of. */
  readonly array: string | undefined;
}

/** One line of squeue in `statusFormat`. */
export function readStatusLine(line: string): KnownJob | undefined {
  const [id, number = '', array = '', word = '', reason = '', owner = '', queue = '', nodes = '', ...name] =
    line.split('\u001f');
  if (!id) return undefined;
  const state = stateOf(word, reason);
  const status: JobStatus = {
    ...{ id, name: name.join('\u001f'), owner, queue, state },
    nodes: state === 'running' || state === 'ending' ? expandHostList(nodes) : [],
  };
  return { status, number, array: id === array ? undefined : array };
}

/** The job of an id, which may be the number of a whole array: its first element to run last has the same. Pure. */
export function statusOf(id: string, jobs: readonly KnownJob[]): JobStatus | undefined {
  const exact = jobs.find(({ status }) => status.id === id);
  if (exact !== undefined) return exact.status;
  const elements = jobs.filter(({ array }) => array === id).map(({ status }) => status);
  const [first] = elements;
  if (first !== undefined) return { ...arrayStatusOf(id, elements), name: first.name };
  return jobs.find(({ number }) => number === id)?.status;
}

const running = new Set(['RUNNING', 'SUSPENDED', 'STOPPED', 'CONFIGURING', 'SIGNALING', 'RESIZING', 'STAGE_OUT']);
const waiting = new Set(['PENDING', 'REQUEUED', 'REQUEUE_FED', 'REQUEUE_HOLD', 'SPECIAL_EXIT']);
/** JobHeldUser, JobHeldAdmin, Dependency, DependencyNeverSatisfied, launch_failed_requeued_held. */
const held = /held|^dependency/i;

function stateOf(word: string, reason: string): JobState {
  if (word === 'REQUEUE_HOLD' || word === 'SPECIAL_EXIT') return 'held';
  if (waiting.has(word)) return held.test(reason) ? 'held' : 'queued';
  if (word === 'COMPLETING') return 'ending';
  return running.has(word) ? 'running' : 'complete';
}

/** Slurm itself has ended the job: what its processes made of that is no exit status of the script. */
const lost = new Set(['NODE_FAIL', 'BOOT_FAIL', 'DEADLINE', 'PREEMPTED']);

/**
 * The exit status in the output of `scontrol show job -o`, in PBS's numbers: the script's, 256 + n when signal n ended it,
 * -11 when it was over its walltime, -2 when Slurm has ended it for another reason, such as the end of a node. Undefined as long as the job is not over.
 */
export function readExitStatus(line: string): number | undefined {
  const state = /\bJobState=(\w+)/.exec(line)?.[1] ?? '';
  if (running.has(state) || waiting.has(state) || state === '' || state === 'COMPLETING') return undefined;
  const [, code = '0', signal = '0'] = /\bExitCode=(\d+):(\d+)/.exec(line) ?? [];
  // Jobs that were ended from outside have no exit code that would say so.
  if (state === 'CANCELLED' && code === '0' && signal === '0') return 256 + 15;
  if (state === 'TIMEOUT') return -11;
  if (lost.has(state)) return -2;
  if (state !== 'COMPLETED' && code === '0' && signal === '0') return -2;
  return signal === '0' ? Number(code) : 256 + Number(signal);
}
