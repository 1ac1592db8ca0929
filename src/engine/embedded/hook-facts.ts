import { isAbsolute, resolve } from 'node:path';
import { parseNodes } from '../../pbs/index.ts';
import { ATTEMPT } from '../pbs/allocation.ts';
import { type Account, HOSTS } from './environment.ts';
import { type Job, nameOf, resourceOf } from './job.ts';

export interface HookPlace {
  /** The directory of the instance. */
  readonly instance: string;
  /** Where the site's hooks are. */
  readonly dir: string;
  readonly nodeFile: string;
  readonly script: string;
  /** Torque's $prologalarm. */
  readonly alarmS: number;
}

/** What the job's shepherd has to know to run hooks: their arguments and their small environment are Torque's. */
export function hookFacts(job: Job, account: Account, place: HookPlace): [key: string, value: string][] {
  const { submission, allocation = [] } = job;
  const nodes = resourceOf(job, 'nodes') ?? '1';
  const shown = submission.resources.filter(([name]) => name !== 'nodect').map((pair) => pair.join('='));
  const env: [string, string][] = [
    ['LANG', 'C.UTF-8'],
    ['PATH', '/bin:/usr/bin'],
    ['PBS_MSHOST', allocation[0]?.node ?? ''],
    ['PBS_NP', String(allocation.reduce((sum, { slots }) => sum + slots.length, 0))],
    ['PBS_NUM_NODES', String(allocation.length)],
    ['PBS_NUM_PPN', String(parseNodes(nodes)[0]?.ppn ?? 1)],
    ['PBS_O_WORKDIR', submission.workDir],
    ['PBS_RESOURCE_NODES', nodes],
    // Beyond Torque's: there a node has a name of its own and one batch system.
    ['VTORQUE_LOCAL', place.instance],
    [ATTEMPT, String(job.attempt)],
    [HOSTS, allocation.map(({ node }) => node).join(' ')],
  ];
  const own = (name: string): [string, string][] => {
    const path = resourceOf(job, name);
    if (path === undefined || path === '') return [];
    return [[`own_${name}`, isAbsolute(path) ? path : resolve(submission.workDir, path)]];
  };
  const facts: [string, string][] = [
    ['dir', place.dir],
    ...(submission.jobType === undefined ? [] : [['type', submission.jobType] as [string, string]]),
    ...own('prologue'),
    ...own('epilogue'),
    ['home', account.home],
    ['nodefile', place.nodeFile],
    ['id', job.id],
    ['user', account.name],
    ['group', account.groupName],
    ['name', nameOf(job)],
    ['resources', [...shown, `neednodes=${nodes}`].join(',')],
    ['queue', submission.queue],
    ['account', submission.account ?? ''],
    ['script', place.script],
    ['sisters', String(Math.max(0, allocation.length - 1))],
    ['alarm_s', String(place.alarmS)],
    ...env.map(([name, value]): [string, string] => ['env', `${name}=${value}`]),
  ];
  return facts.map(([key, value]) => [`hook.${key}`, value]);
}
