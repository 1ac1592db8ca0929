import type { JobState, JobStatus } from '../engine.ts';

/** What PBSs tell of a job under names of their own. */
export interface PbsJobFacts {
  readonly id: string;
  readonly name: string | undefined;
  /** `user@host`. */
  readonly owner: string | undefined;
  readonly queue: string | undefined;
  /** One letter. */
  readonly state: string | undefined;
  /** `n2/0-1+n1/0-1` */
  readonly execHost: string | undefined;
  readonly exitStatus: string | number | undefined;
}

/**
 * One letter of a PBS. Waiting (W) is for a time, T on its way to another queue, S suspended in its place; B is an array that
 * has begun, X and F are over, M has gone to another server: that one knows more.
 */
const STATES: Readonly<Record<string, JobState>> = {
  ...{ Q: 'queued', W: 'queued', T: 'queued', H: 'held' },
  ...{ R: 'running', S: 'running', U: 'running', B: 'running', E: 'ending' },
  ...{ C: 'complete', F: 'complete', X: 'complete', M: 'complete' },
};

/**
 * Pure.
 * @throws Error when what every job has is missing
 */
export function jobStatusOf({ id, name, owner, queue, state, execHost, exitStatus }: PbsJobFacts): JobStatus {
  const known = STATES[state ?? ''];
  if (known === undefined) throw new Error(`job ${id} is in the unknown state "${state}"`);
  const code = exitStatus === undefined || exitStatus === '' ? undefined : Number(exitStatus);
  return {
    id,
    name: name ?? '',
    owner: (owner ?? '').replace(/@.*$/, ''),
    queue: queue ?? '',
    state: known,
    nodes: known === 'running' || known === 'ending' ? execHosts(execHost ?? '') : [],
    ...(known === 'complete' && code !== undefined && Number.isSafeInteger(code) ? { exitStatus: code } : {}),
  };
}

/** The nodes in `n2/0-1+n1/0*2`, each once. Pure. */
export function execHosts(text: string): string[] {
  const hosts = text.split('+').map((part) => part.split('/')[0] ?? '');
  return [...new Set(hosts.filter((host) => host !== ''))];
}

/** From the one that is nearest to its end: an array is as far as the element that is least far. */
const PROGRESS: readonly JobState[] = ['running', 'ending', 'queued', 'held', 'complete'];

/** An array as one job, for batch systems that tell its elements only. Pure. */
export function arrayStatusOf(id: string, elements: readonly JobStatus[]): JobStatus {
  const states = new Set(elements.map(({ state }) => state));
  const state = PROGRESS.find((each) => states.has(each)) ?? 'complete';
  const [{ name = '', owner = '', queue = '' } = {}] = elements;
  return {
    id,
    name: name.replace(/-\d+$/, ''),
    owner,
    queue,
    state,
    nodes: [...new Set(elements.flatMap(({ nodes }) => nodes))],
  };
}
