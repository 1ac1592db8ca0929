import { Command } from 'commander';
// Not through the room's index, which loads the launcher.
import { type JobRecord, listJobRecords, readJobRecord, timelineRows } from '../job/records.ts';
import type { TimelineEntry } from '../job/timeline.ts';
import { ownPlaces } from '../site/index.ts';
import { table } from './table.ts';

interface JobsFlags {
  readonly timeline?: string;
  readonly json?: true;
}

/** `vtorque jobs`. */
export function jobsCommand(): Command {
  return new Command('jobs')
    .description('your latest jobs in VMs on this machine, or how long each step of one took')
    .option('--timeline <job>', 'the steps of this job, as qstat names it')
    .option('--json', 'print the result as JSON')
    .action(async ({ timeline, json }: JobsFlags) => {
      const { state } = ownPlaces(process.env, process.getuid?.() ?? 0);
      process.stdout.write(
        timeline === undefined
          ? jobsText(await listJobRecords(state), json)
          : timelineText(await readJobRecord(state, timeline), json),
      );
    });
}

function timelineText({ job, entries }: JobRecord, json: true | undefined): string {
  const rows = timelineRows(entries);
  if (json) return `${JSON.stringify({ job, timeline: rows }, null, 2)}\n`;
  const lines = rows.map(({ at, took, event, value = '' }) => [String(at), String(took ?? ''), event, String(value)]);
  return table([['AT ms', 'TOOK ms', 'STEP', 'WHAT'], ...lines], process.stdout.columns);
}

/** What `vtorque jobs` prints. */
export function jobsText(records: readonly JobRecord[], json: true | undefined): string {
  const jobs = records.map(factsOf);
  if (json) return `${JSON.stringify({ jobs }, null, 2)}\n`;
  const rows = jobs.map(({ job, started, state, ms, vm }) => {
    return [job, started, state, ms === null ? '' : (ms / 1000).toFixed(1), vm ?? ''];
  });
  return table([['JOB', 'STARTED', 'STATE', 'SECONDS', 'VM'], ...rows], process.stdout.columns);
}

/** `warm start: template ...`, of another node `n2: cold boot: ...`. */
const STARTED = /^(?:\S+: )?(warm start|cold boot): /;

function factsOf({ job, entries, abandoned }: JobRecord) {
  const rows = timelineRows(entries);
  const steps = rows.filter(({ event }) => event !== 'fact');
  const last = steps.at(-1);
  const starts = rows.filter(({ event, value }) => event === 'fact' && STARTED.test(String(value)));
  const how = starts.find(({ value }) => STARTED.exec(String(value))?.[1] === 'cold boot') ?? starts[0];
  return {
    job,
    started: new Date(entries[0]?.at ?? 0).toISOString(),
    /** The last one that began. */
    step: last?.event ?? 'start',
    /** In words: how far it is, or how it ended. */
    state: last?.event === 'end' ? endOf(last.value) : abandoned ? abandonedState(entries) : (last?.event ?? 'start'),
    /** None of a job that vTorque could not run to its end. */
    exitCode: last?.event === 'end' && typeof last.value === 'number' ? last.value : null,
    ms: last?.event === 'end' ? last.at : null,
    /** How it started; of several VMs one that booted, if one did. */
    vm: how === undefined ? null : String(how.value),
  };
}

function endOf(value: TimelineEntry['value']): string {
  return typeof value === 'number' ? `exit ${value}` : (value ?? 'failed');
}

/** Usually the batch system has ended it; so may have its user, or the kernel, and a full disk keeps the launcher from writing what it knows. */
function abandonedState(entries: JobRecord['entries']): string {
  const signal = entries.findLast((entry) => entry.signal !== undefined)?.signal;
  return signal === undefined ? 'ended, not known how' : `ended after ${signal}`;
}
