import { readdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import { type ConsolePlace, type TimelineEntry, timelinePath } from '../timeline.ts';

export interface FoundConsole {
  /** The job's whole id. */
  readonly job: string;
  readonly place: ConsolePlace;
  /** Of the VM that is meant. */
  readonly rank: number;
}

/** What somebody wants of a job, for the error that says why it cannot be. */
export type Wanted = 'open a console of' | 'log in to';

/**
 * Where a running job of this user has its console, by the record that the job's launcher keeps.
 * @param wanted `JOB` or `JOB/RANK`; of the id what stands before the first dot is enough, if it is the only one
 * @throws VtorqueError `E_JOB_ID`, `E_JOB_UNKNOWN`, `E_RANK_UNKNOWN`, `E_CONSOLE_NOT_YET`, `E_JOB_ENDED`
 */
export async function findConsole(state: string, wanted: string, action: Wanted): Promise<FoundConsole> {
  const [, id = wanted, number = '0'] = /^(.*?)(?:\/(\d+))?$/.exec(wanted) ?? [];
  const refuse = refuser(action);
  const job = await wholeId(state, id, refuse);
  const entries = (await readFile(timelinePath(state, job), 'utf8')).split('\n').slice(0, -1);
  let place: ConsolePlace | undefined;
  let ended = false;
  for (const line of entries) {
    const entry = JSON.parse(line) as TimelineEntry;
    // A rerun is appended.
    if (entry.event === 'start') [place, ended] = [undefined, false];
    if (entry.event === 'end') ended = true;
    place = entry.console ?? place;
  }
  if (ended) throw consoleGone(job, action);
  if (place !== undefined) {
    const { vms = 1 } = place;
    const rank = Number(number);
    if (rank < vms) return { job, place, rank };
    const there = vms === 1 ? `It has one VM, ${job}/0` : `Its VMs are ${job}/0 to ${job}/${vms - 1}`;
    throw refuse('E_RANK_UNKNOWN', job, `it has no VM ${rank}`, there);
  }
  throw refuse('E_CONSOLE_NOT_YET', job, 'its guest has not started yet', 'Try again in a moment');
}

/** What a console that is gone means. */
export function consoleGone(job: string, action: Wanted): VtorqueError {
  return refuser(action)(
    'E_JOB_ENDED',
    job,
    'the job has ended',
    'With -vm keep=MINUTES the VM stays for a while after the script',
  );
}

async function wholeId(state: string, id: string, refuse: Refuser): Promise<string> {
  const ending = '.jsonl';
  const names = await readdir(dirname(timelinePath(state, id))).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const ids = names.filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length));
  if (ids.includes(id)) return id;
  const meant = ids.filter((each) => each.startsWith(`${id}.`));
  const [only, ...more] = meant;
  if (only === undefined) {
    const hint = 'A job has a console from when its VM runs, for its owner alone; "qstat" shows the jobs';
    throw refuse('E_JOB_UNKNOWN', id, 'you have no job of that id whose VM was started', hint);
  }
  if (more.length === 0) return only;
  throw refuse('E_JOB_UNKNOWN', id, 'several jobs begin so', `Write the whole id: ${meant.join(', ')}`);
}

type Refuser = (code: string, job: string, state: string, hint: string) => VtorqueError;

function refuser(action: Wanted): Refuser {
  return (code, job, state, hint) => new VtorqueError(code, `Cannot ${action} job "${job}": ${state}`, { hint });
}
