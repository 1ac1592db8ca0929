import { VtorqueError } from '../../base/index.ts';
import { jobsMeant, lastRun } from '../records.ts';
import type { ConsolePlace } from '../timeline.ts';

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
  const { entries, abandoned } = (await lastRun(state, job)) ?? { entries: [] };
  if (abandoned || entries.some(({ event }) => event === 'end')) throw consoleGone(job, action);
  const place = entries.findLast((entry) => entry.console !== undefined)?.console;
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
  const meant = await jobsMeant(state, id);
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
