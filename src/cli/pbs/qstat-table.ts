import type { JobView, StatusReply } from '../../engine/embedded/protocol.ts';
import { formatWalltime, nodeCount, parseNodes } from '../../pbs/index.ts';
import { walltimeOf } from './job-attributes.ts';

/** `qstat`: nothing at all when there are no jobs. */
export function formatPlain({ jobs }: StatusReply): string {
  if (jobs.length === 0) return '';
  const head = [
    'Job ID                    Name             User            Time Use S Queue',
    '------------------------- ---------------- --------------- -------- - -----',
  ];
  const rows = jobs.map((job) => {
    const used = job.used === undefined ? '0' : formatWalltime(Math.round(job.used.cpuMs / 1000));
    const name = shorten(job.name, 16).padEnd(16);
    return `${job.id.padEnd(26)} ${name} ${shorten(job.owner, 15).padEnd(15)} ${used.padStart(8)} ${job.state} ${job.queue.padEnd(15)}`;
  });
  return lines([...head, ...rows]);
}

export interface WideOptions {
  /** -n: which nodes; -1: on the job's own line. */
  readonly nodes: boolean;
  readonly oneLine: boolean;
}

const NONE = '-- ';

/** `qstat -a`, `-n`, `-r`, `-i`. */
export function formatWide({ jobs, server, now }: StatusReply, { nodes, oneLine }: WideOptions): string {
  if (jobs.length === 0) return '';
  const head = [
    '',
    `${server}: `,
    `${' '.repeat(82)}Req'd       Req'd       Elap`,
    'Job ID                  Username    Queue    Jobname          SessID  NDS   TSK   Memory      Time    S   Time',
    '----------------------- ----------- -------- ---------------- ------ ----- ------ --------- --------- - ---------',
  ];
  const rows = jobs.flatMap((job) => {
    const row = wideRow(job, now);
    if (!nodes) return [row];
    const hosts = job.execHost ?? ' -- ';
    return oneLine ? [`${row}   ${hosts}`] : [row, `   ${hosts}`];
  });
  return lines([...head, ...rows]);
}

function wideRow(job: JobView, now: number): string {
  const resource = (name: string): string | undefined => job.resources.find(([key]) => key === name)?.[1];
  const request = parseNodes(resource('nodes') ?? '1');
  const tasks = request.reduce((sum, { count, ppn }) => sum + count * ppn, 0);
  const limit = walltimeOf(job);
  return [
    job.id.padEnd(23),
    shorten(job.owner, 11).padEnd(11),
    shorten(job.queue, 8).padEnd(8),
    shorten(job.name, 16).padEnd(16),
    (job.session?.toString() ?? NONE).padStart(6),
    String(nodeCount(request)).padStart(5),
    String(tasks).padStart(6),
    (resource('mem') ?? NONE).padStart(9),
    (limit === undefined ? NONE : formatWalltime(limit)).padStart(9),
    job.state,
    elapsed(job, now).padStart(9),
  ].join(' ');
}

function elapsed(job: JobView, now: number): string {
  const { state, startTime, element } = job;
  // Torque has no start of an array to count from.
  if (state === 'R' && element === 'all') return formatWalltime(walltimeOf(job) ?? 0);
  if (state !== 'R' || startTime === undefined) return NONE;
  return formatWalltime(Math.floor((now - startTime) / 1000));
}

/** Torque keeps the end of a name that is too long, since that is where names differ. */
function shorten(name: string, width: number): string {
  return name.length <= width ? name : `...${name.slice(name.length - width + 3)}`;
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
