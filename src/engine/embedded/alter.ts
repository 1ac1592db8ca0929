import { holdsOf, isArray, type Job, type Submission, withHolds } from './job.ts';
import { type Alteration, PBSE, PbsError } from './protocol.ts';
import type { Queue } from './settings.ts';
import { checkResources, checkTexts, normalised, type Site } from './submit.ts';

export interface AlterContext {
  readonly site: Site;
  readonly caller: { readonly manager: boolean };
  readonly now: number;
}

/**
 * What an alteration makes of a job. Of a running one only the time limit can be changed, by managers. Pure.
 * @throws PbsError in Torque's words
 */
export function alteredBy(job: Job, change: Alteration, { site, caller, now }: AlterContext): Partial<Job> {
  const { holds, slotLimit, resources, depend: _, ...parts } = change;
  if (job.state === 'R' && !isArray(job)) return alteredRunning(job, change, caller.manager);
  if (slotLimit !== undefined && !isArray(job)) throw new PbsError(PBSE.IVALREQ, 'Invalid request');
  checkTexts({ ...parts, ...(resources === undefined ? {} : { resources }) });
  const altered: Partial<Submission> = {
    ...parts,
    ...(parts.variables === undefined ? {} : { variables: merged(job.submission.variables, parts.variables) }),
    ...(resources === undefined
      ? {}
      : { resources: checkResources(merged(job.submission.resources, resources), queueOf(job, site), site) }),
  };
  return {
    ...alteredSubmission(job, altered),
    ...(slotLimit === undefined ? {} : { slotLimit: slotLimit || undefined }),
    ...(holds === undefined || isArray(job)
      ? {}
      : withHolds(job, holds + (caller.manager ? '' : ofManagers(job)), now)),
  };
}

export function cannotModify(): PbsError {
  return new PbsError(PBSE.MODATRRUN, 'Cannot modify attribute while job running');
}

function alteredRunning(job: Job, { resources = [], ...others }: Alteration, manager: boolean): Partial<Job> {
  const [only, ...more] = resources;
  if (only?.[0] !== 'walltime' || more.length > 0 || Object.keys(others).length > 0) {
    throw cannotModify();
  }
  if (!manager) throw new PbsError(PBSE.PERM, 'Unauthorized Request  MSG=operation not permitted');
  const walltime = [['walltime', normalised('walltime', only[1])]] as const;
  return alteredSubmission(job, { resources: merged(job.submission.resources, walltime) });
}

function alteredSubmission(job: Job, altered: Partial<Submission>): Partial<Job> {
  if (Object.keys(altered).length === 0) return {};
  return { submission: { ...job.submission, ...altered }, altered: { ...job.altered, ...altered } };
}

function ofManagers(job: Job): string {
  return holdsOf(job).replace('u', '');
}

/** A queue may have been taken from the settings while a job was in it. */
function queueOf({ submission }: Job, { queues }: Site): Queue {
  const { queue: name } = submission;
  return queues.find((one) => one.name === name) ?? { name, enabled: true, started: true, defaults: [], max: [] };
}

type Pairs = readonly (readonly [string, string])[];

/** New values in the places of the old ones, new names behind them. */
function merged(old: Pairs, given: Pairs): [string, string][] {
  return [...new Map([...old, ...given])];
}
