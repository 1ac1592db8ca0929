import { readdir, readFile } from 'node:fs/promises';
import { fileReason, VtorqueError } from '../base/index.ts';
import { isAlive } from '../process/index.ts';
import { jobOfRecord, readEntries, recordsDirectory, type TimelineEntry, timelinePath } from './timeline.ts';

/** What a job's launcher has written down of the job's last run. */
export interface JobRecord {
  readonly job: string;
  /** At least one: that of the start. */
  readonly entries: readonly TimelineEntry[];
  /** The launcher has ended without having written so. Undefined: it has, or goes on, or that cannot be seen from here. */
  readonly abandoned?: true;
}

/** One step of a run, or a fact that was noted in it. */
export interface TimelineRow {
  /** Milliseconds since the launcher's start. */
  readonly at: number;
  /** Milliseconds until the next step; none for a fact, the end, and the step that is under way. */
  readonly took?: number;
  readonly event: TimelineEntry['event'];
  readonly value?: string | number;
}

/**
 * The record of one job of this user.
 * @param wanted its id; what stands before the first dot is enough, if it is the only one
 * @throws VtorqueError `E_JOB_ID`, `E_JOB_UNKNOWN`, `E_RECORDS`
 */
export async function readJobRecord(state: string, wanted: string): Promise<JobRecord> {
  const meant = await jobsMeant(state, wanted);
  const [job] = meant;
  const record = job === undefined || meant.length > 1 ? undefined : await lastRun(state, job);
  if (record !== undefined) return record;
  const [what, hint] =
    meant.length > 1
      ? ['several jobs begin so', `Write the whole id: ${meant.join(', ')}`]
      : ['there is no record of such a job of yours', '"vtorque jobs" shows those that there are'];
  throw new VtorqueError('E_JOB_UNKNOWN', `Cannot show job "${wanted}": ${what}`, { hint });
}

/** The records of this user's jobs, the latest start first. */
export async function listJobRecords(state: string): Promise<JobRecord[]> {
  const records = await Promise.all((await recordedJobs(state)).map((job) => lastRun(state, job)));
  return records
    .filter((record) => record !== undefined)
    .toSorted((a, b) => (b.entries[0]?.at ?? 0) - (a.entries[0]?.at ?? 0));
}

/** How long each step of a run took, with the facts where they were noted. Pure. */
export function timelineRows(entries: readonly TimelineEntry[]): TimelineRow[] {
  const from = entries[0]?.at ?? 0;
  return entries.map(({ at, event, value }, index): TimelineRow => {
    const next = entries.slice(index + 1).find((later) => later.event !== 'fact');
    const took = event === 'fact' || next === undefined ? {} : { took: next.at - at };
    return { at: at - from, ...took, event, ...(value === undefined ? {} : { value }) };
  });
}

/**
 * Ids of the jobs with a record that somebody may mean.
 * @param wanted a whole id, or what stands before its first dot
 * @throws VtorqueError `E_JOB_ID`, `E_RECORDS`
 */
export async function jobsMeant(state: string, wanted: string): Promise<string[]> {
  timelinePath(state, wanted);
  const ids = await recordedJobs(state);
  return ids.includes(wanted) ? [wanted] : ids.filter((id) => id.startsWith(`${wanted}.`));
}

async function recordedJobs(state: string): Promise<string[]> {
  const directory = recordsDirectory(state);
  const names = await readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw new VtorqueError('E_RECORDS', `Cannot read the records of jobs in "${directory}": ${fileReason(cause)}`, {
      hint: 'It is in your home, or in XDG_STATE_HOME where that is set: it must be yours to read',
      cause,
    });
  });
  return names.flatMap((name) => jobOfRecord(name) ?? []);
}

/** A rerun is appended. Undefined when the record is being removed, or nothing whole is in it yet. */
export async function lastRun(state: string, job: string): Promise<JobRecord | undefined> {
  const record = await lastEntries(state, job);
  if (record === undefined || !lacksItsEnd(record)) return record;
  // It may have written its end after we had read.
  const now = await lastEntries(state, job);
  return now !== undefined && lacksItsEnd(now) ? { ...now, abandoned: true } : now;
}

function lacksItsEnd({ entries }: JobRecord): boolean {
  const launcher = entries[0]?.launcher;
  return launcher !== undefined && isAlive(launcher) === false && !entries.some(({ event }) => event === 'end');
}

async function lastEntries(state: string, job: string): Promise<JobRecord | undefined> {
  const entries = readEntries(await readFile(timelinePath(state, job), 'utf8').catch(() => ''));
  const start = entries.findLastIndex(({ event }) => event === 'start');
  return start < 0 ? undefined : { job, entries: entries.slice(start) };
}
