import type { JobState, JobStatus } from '../engine.ts';
import { expandHostList } from './host-list.ts';

/** For squeue -o: each field has what no name of a job can hold between it and the next. */
export const statusFormat = ['%i', '%T', '%r', '%u', '%P', '%N', '%j'].join('\u001f');

/** One line of squeue in `statusFormat`. */
export function readStatusLine(line: string): JobStatus | undefined {
  const [id, word = '', reason = '', owner = '', queue = '', nodes = '', ...name] = line.split('\u001f');
  if (!id) return undefined;
  return {
    ...{ id, name: name.join('\u001f'), owner, queue, state: stateOf(word, reason) },
    nodes: expandHostList(nodes),
  };
}

const running = new Set(['RUNNING', 'SUSPENDED', 'STOPPED', 'CONFIGURING', 'SIGNALING', 'RESIZING', 'STAGE_OUT']);
const waiting = new Set(['PENDING', 'REQUEUED', 'REQUEUE_FED', 'SPECIAL_EXIT']);
const held = new Set(['JobHeldUser', 'JobHeldAdmin', 'Dependency', 'DependencyNeverSatisfied', 'BeginTime']);

function stateOf(word: string, reason: string): JobState {
  if (word === 'REQUEUE_HOLD') return 'held';
  if (waiting.has(word)) return held.has(reason) ? 'held' : 'queued';
  if (word === 'COMPLETING') return 'ending';
  return running.has(word) ? 'running' : 'complete';
}

/**
 * The exit status in the output of `scontrol show job -o`, in PBS's numbers: the script's, or 256 + n when signal n ended it.
 * Undefined as long as the job is not over.
 */
export function readExitStatus(line: string): number | undefined {
  const state = /\bJobState=(\w+)/.exec(line)?.[1] ?? '';
  if (running.has(state) || waiting.has(state) || state === '' || state === 'COMPLETING') return undefined;
  const [, code = '0', signal = '0'] = /\bExitCode=(\d+):(\d+)/.exec(line) ?? [];
  // Jobs that were ended from outside have no exit code that would say so.
  if (state === 'CANCELLED' && code === '0' && signal === '0') return 256 + 15;
  if (state === 'TIMEOUT') return -11;
  return signal === '0' ? Number(code) : 256 + Number(signal);
}
