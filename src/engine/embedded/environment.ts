import { parseNodes, parseWalltime } from '../../pbs/index.ts';
import { ATTEMPT } from '../pbs/allocation.ts';
import { type Job, nameOf, resourceOf } from './job.ts';

export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  readonly home: string;
  readonly shell: string;
  readonly groups: readonly number[];
  readonly groupName: string;
}

export interface JobPlace {
  /** Of the instance: its commands work in the job, too. */
  readonly dir: string;
  readonly aux: string;
  readonly tmpdir: string;
  /** The X authority file of a job with a display. */
  readonly authority: string;
  readonly shell: string;
  readonly hostName: string;
  readonly version: string;
}

/** What Torque's nodes have in their file pbs_environment when nobody has changed it. */
const BASE: readonly (readonly [string, string])[] = [
  ['PATH', '/usr/local/bin:/usr/bin:/bin'],
  ['LANG', 'C.UTF-8'],
];

/** For hooks: the names of the job's nodes, all of which are this machine; PBS_NODENUM says which one is meant. */
export const HOSTS = 'VTORQUE_HOSTS';

/** The node daemon's port in Torque. Nobody listens there: programs that only look at the variable are content. */
const MOM_PORT = '15003';

/** The environment of a job's top process, in Torque's names. The user's variables cannot replace the batch system's. */
export function jobEnvironment(job: Job, account: Account, place: JobPlace): Map<string, string> {
  const { submission } = job;
  const request = parseNodes(resourceOf(job, 'nodes') ?? '1');
  const slots = job.allocation?.reduce((sum, { slots }) => sum + slots.length, 0) ?? 1;
  // The double slash is Torque's: scripts have come to compare it.
  const nodeFile = `${place.aux}//${job.id}`;
  return new Map([
    ...BASE,
    ...submission.variables,
    ['HOME', account.home],
    ['USER', account.name],
    ['LOGNAME', account.name],
    ['SHELL', place.shell],
    ['HOSTNAME', place.hostName],
    ['TMPDIR', place.tmpdir],
    ['VTORQUE_LOCAL', place.dir],
    [ATTEMPT, String(job.attempt)],
    ['ENVIRONMENT', 'BATCH'],
    ['PBS_ENVIRONMENT', submission.interactive ? 'PBS_INTERACTIVE' : 'PBS_BATCH'],
    ...(submission.terminalType === undefined ? [] : [['TERM', submission.terminalType] as const]),
    ...(submission.display === undefined
      ? []
      : ([
          ['DISPLAY', submission.display],
          ['XAUTHORITY', place.authority],
        ] as const)),
    ['PBS_JOBID', job.id],
    ['PBS_JOBNAME', nameOf(job)],
    ['PBS_QUEUE', submission.queue],
    ['PBS_JOBCOOKIE', job.cookie],
    ['PBS_NODEFILE', nodeFile],
    ['PBS_GPUFILE', `${nodeFile}gpu`],
    ['PBS_MICFILE', `${nodeFile}mic`],
    ['PBS_NODENUM', '0'],
    ['PBS_VNODENUM', '0'],
    ['PBS_TASKNUM', '1'],
    ['PBS_MOMPORT', MOM_PORT],
    ['PBS_NP', String(slots)],
    ['PBS_NUM_NODES', String(job.allocation?.length ?? 1)],
    ['PBS_NUM_PPN', String(request[0]?.ppn ?? 1)],
    ['PBS_WALLTIME', String(parseWalltime(resourceOf(job, 'walltime') ?? '0'))],
    ['PBS_VERSION', `vtorque-${place.version}`],
    ...(typeof job.element === 'number' ? [['PBS_ARRAYID', String(job.element)] as const] : []),
    ...(submission.initDir === undefined ? [] : [['PBS_O_INITDIR', submission.initDir] as const]),
  ]);
}
