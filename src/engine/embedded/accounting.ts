import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatWalltime, nodeCount, parseNodes } from '../../pbs/index.ts';
import { isArray, type Job, nameOf, resourceOf } from './job.ts';
import { formatExecHost } from './nodes.ts';

/** Queued, started, ended, deleted on request, aborted by a dependency, rerun. */
export type AccountingEvent = 'Q' | 'S' | 'E' | 'D' | 'A' | 'R';

/** Write records as Torque does: a file per day, a line per event. */
export function accountingIn(dir: string): (line: string, time: number) => void {
  return (line, time) => {
    const { year, month, day } = partsOf(time);
    appendFileSync(join(dir, `${year}${month}${day}`), `${line}\n`, { mode: 0o600 });
  };
}

/** One record. Pure, but for the time zone. @param by who asked for it: `user@host` */
export function accountingLine(event: AccountingEvent, job: Job, time: number, by?: string): string {
  const { year, month, day, clock } = partsOf(time);
  return `${month}/${day}/${year} ${clock};${event};${job.id};${textOf(event, job, by)}`;
}

function textOf(event: AccountingEvent, job: Job, by: string | undefined): string {
  if (event === 'Q') return `queue=${job.submission.queue}`;
  if (event === 'D') return `requestor=${by}`;
  if (event === 'S') return `${started(job)} `;
  return event === 'E' ? `${started(job)} ${ended(job)}` : '';
}

function started(job: Job): string {
  const { owner, submission, allocation = [] } = job;
  const account = submission.account ? [`account=${submission.account}`] : [];
  return [
    `user=${owner.name} group=${owner.group}`,
    ...account,
    `jobname=${nameOf(job)} queue=${submission.queue}`,
    `ctime=${seconds(job.ctime)} qtime=${seconds(job.qtime)} etime=${seconds(job.etime)} start_count=${job.attempt}`,
    `start=${seconds(job.startTime)} owner=${owner.name}@${submission.submitHost} exec_host=${formatExecHost(allocation)}`,
    ...submission.resources.map(([name, value]) => `Resource_List.${name}=${value}`),
    `Resource_List.neednodes=${resourceOf(job, 'nodes')}`,
  ].join(' ');
}

function ended(job: Job): string {
  const { used, startTime = 0, endTime = 0 } = job;
  const request = parseNodes(resourceOf(job, 'nodes') ?? '1');
  const slots = request.reduce((sum, { count, ppn }) => sum + count * ppn, 0);
  return [
    `session=${job.session ?? 0} total_execution_slots=${slots} unique_node_count=${nodeCount(request)}`,
    `end=${seconds(endTime)} Exit_status=${job.exitStatus}`,
    `resources_used.cput=${Math.round((used?.cpuMs ?? 0) / 1000)} resources_used.vmem=${used?.vmemKb ?? 0}kb`,
    `resources_used.walltime=${formatWalltime(Math.max(0, Math.round((endTime - startTime) / 1000)))}`,
    `resources_used.mem=${used?.memKb ?? 0}kb resources_used.energy_used=0`,
  ].join(' ');
}

function seconds(ms = 0): number {
  return Math.floor(ms / 1000);
}

/** Does a change of this job begin or end a run that is accounted for? Arrays themselves are not. */
export function eventOf(job: Job, before: Job['state']): AccountingEvent | undefined {
  if (isArray(job) || job.state === before) return undefined;
  if (job.state === 'R') return 'S';
  if (before !== 'R') return undefined;
  return job.state === 'C' ? 'E' : 'R';
}

function partsOf(time: number): { year: string; month: string; day: string; clock: string } {
  const date = new Date(time);
  const two = (n: number): string => String(n).padStart(2, '0');
  return {
    year: String(date.getFullYear()),
    month: two(date.getMonth() + 1),
    day: two(date.getDate()),
    clock: date.toTimeString().slice(0, 8),
  };
}
