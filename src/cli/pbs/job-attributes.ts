import type { JobView } from '../../engine/embedded/protocol.ts';
import { formatVariables, formatWalltime } from '../../pbs/index.ts';

/** One attribute of a job as qstat shows it. */
export interface Attribute {
  readonly name: string;
  readonly resource?: string;
  readonly value: string;
  /** In XML: seconds since 1970. */
  readonly time?: number;
}

export interface AttributeContext {
  readonly server: string;
  readonly now: number;
}

/** All attributes of a job in the order of Torque's qstat -f. Pure. */
export function attributesOf(job: JobView, { server, now }: AttributeContext): Attribute[] {
  const { details } = job;
  const isElement = typeof job.element === 'number';
  const isArray = job.element === 'all';
  const host = (path: string): string => `${job.submitHost}:${path}`;
  return [
    text('Job_Name', job.name),
    text('Job_Owner', `${job.owner}@${job.submitHost}`),
    ...usedBy(job),
    text('job_state', job.state),
    text('queue', job.queue),
    text('server', server),
    ...optional('Account_Name', details?.account || undefined),
    text('Checkpoint', 'u'),
    time('ctime', job.ctime),
    ...optional('depend', job.depend),
    text('Error_Path', host(job.errorPath)),
    ...optional('exec_host', job.execHost),
    ...(isElement ? [] : [text('Hold_Types', job.holds || 'n')]),
    text('Join_Path', details?.join ?? 'n'),
    text('Keep_Files', details?.keep ?? 'n'),
    text('Mail_Points', 'a'),
    time('mtime', job.mtime),
    text('Output_Path', host(job.outputPath)),
    text('Priority', '0'),
    ...(isArray ? [] : [time('qtime', job.qtime)]),
    text('Rerunable', details?.rerunable === false ? 'False' : 'True'),
    ...job.resources.map(([resource, value]) => ({ name: 'Resource_List', resource, value })),
    ...optional('session_id', job.session?.toString()),
    ...optional('Shell_Path_List', details?.shell),
    ...optional('Variable_List', details?.variables && formatVariables(details.variables)),
    text('euser', job.owner),
    text('egroup', job.group),
    text('queue_type', 'E'),
    ...optional('comment', job.comment),
    ...(job.etime === undefined ? [] : [time('etime', job.etime)]),
    ...optional('exit_status', job.exitStatus?.toString()),
    ...optional('submit_args', details?.submitArgs || undefined),
    ...(isArray ? optional('job_array_request', details?.arrayRequest) : []),
    ...(isElement ? [text('job_array_id', String(job.element))] : []),
    ...(job.startTime === undefined || isArray ? [] : [time('start_time', job.startTime)]),
    ...remaining(job, now),
    ...(job.startCount > 0 ? [text('start_count', String(job.startCount))] : []),
    text('fault_tolerant', 'False'),
    ...(job.endTime === undefined ? [] : [time('comp_time', job.endTime)]),
    text('job_radix', '0'),
    ...optional('user_kill_delay', details?.killDelay?.toString()),
    ...optional('total_runtime', runtime(job)),
    text('submit_host', job.submitHost),
    text('init_work_dir', details?.initDir ?? ''),
    ...optional('job_arguments', details?.args),
    text('request_version', '1'),
  ];
}

function text(name: string, value: string): Attribute {
  return { name, value };
}

function optional(name: string, value: string | undefined): Attribute[] {
  return value === undefined ? [] : [{ name, value }];
}

/** `Sun Nov 22 06:12:27 2026` */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  const [day, month] = date.toString().split(' ');
  return `${day} ${month} ${String(date.getDate()).padStart(2)} ${date.toTimeString().slice(0, 8)} ${date.getFullYear()}`;
}

function time(name: string, ms: number): Attribute {
  return { name, value: formatTime(ms), time: Math.floor(ms / 1000) };
}

function usedBy(job: JobView): Attribute[] {
  const { used, startTime, endTime } = job;
  if (used === undefined || startTime === undefined) return [];
  const walltime = Math.round(((endTime ?? startTime) - startTime) / 1000);
  const values: [string, string][] = [
    ['cput', formatWalltime(Math.round(used.cpuMs / 1000))],
    ['vmem', `${used.vmemKb}kb`],
    ['walltime', formatWalltime(walltime)],
    ['mem', `${used.memKb}kb`],
    ['energy_used', '0'],
  ];
  return values.map(([resource, value]) => ({ name: 'resources_used', resource, value }));
}

function runtime({ startTime, endTime, element }: JobView): string | undefined {
  if (startTime === undefined || endTime === undefined || element === 'all') return undefined;
  return ((endTime - startTime) / 1000).toFixed(6);
}

function remaining(job: JobView, now: number): Attribute[] {
  const limit = walltimeOf(job);
  if (job.state !== 'R' || job.element === 'all' || limit === undefined || job.startTime === undefined) return [];
  const value = String(Math.max(0, limit - Math.floor((now - job.startTime) / 1000)));
  return [{ name: 'Walltime', resource: 'Remaining', value }];
}

/** Seconds. */
export function walltimeOf(job: JobView): number | undefined {
  const value = job.resources.find(([name]) => name === 'walltime')?.[1];
  if (value === undefined) return undefined;
  return value.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
