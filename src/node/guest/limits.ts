import { readFile } from 'node:fs/promises';
import type { GuestAgent, ResourceLimit } from '../../guest/linux/index.ts';

/** As /proc/PID/limits calls them. */
const names: Readonly<Record<string, ResourceLimit['resource']>> = {
  'Max cpu time': 'cpu',
  'Max file size': 'fsize',
  'Max data size': 'data',
  'Max stack size': 'stack',
  'Max core file size': 'core',
  'Max resident set': 'rss',
  'Max processes': 'nproc',
  'Max open files': 'nofile',
  'Max locked memory': 'memlock',
  'Max address space': 'as',
  'Max file locks': 'locks',
  'Max pending signals': 'sigpending',
  'Max msgqueue size': 'msgqueue',
  'Max nice priority': 'nice',
  'Max realtime priority': 'rtprio',
  'Max realtime timeout': 'rttime',
};

/**
 * The limits of a job, for a program in its guest. Pure.
 * @param text of /proc/PID/limits of the job's program on this node
 * @param openFiles the job's soft limit of open files, which Node has raised for itself; undefined: not known
 * @param most what the guest's kernel takes as a limit of open files
 */
export function parseLimits(text: string, openFiles: number | undefined, most: number): ResourceLimit[] {
  return text.split('\n').flatMap((line): ResourceLimit[] => {
    const [, name = '', softWord = '', hardWord = ''] = /^(\D+?)\s{2,}(\S+)\s+(\S+)/.exec(line) ?? [];
    const resource = names[name];
    if (resource === undefined) return [];
    const [soft, hard] = [limit(softWord), limit(hardWord)];
    if (resource !== 'nofile') return [{ resource, soft, hard }];
    const upTo = (value: ResourceLimit['soft']): number => Math.min(value === 'unlimited' ? most : value, most);
    return [{ resource, soft: upTo(openFiles ?? soft), hard: upTo(hard) }];
  });
}

function limit(word: string): ResourceLimit['soft'] {
  return word === 'unlimited' ? 'unlimited' : Number(word);
}

/**
 * The limits of this job, all of them, for what it runs in its guest.
 * @throws GuestCallError when the guest does not tell its own
 */
export async function limitsOfJob(
  agent: Pick<GuestAgent, 'readFile'>,
  env: Readonly<Record<string, string>>,
): Promise<ResourceLimit[]> {
  const [own, most] = await Promise.all([
    readFile('/proc/self/limits', 'utf8'),
    agent.readFile('/proc/sys/fs/nr_open'),
  ]);
  const openFiles = /^\d+$/.test(env.VTORQUE_OPEN_FILES ?? '') ? Number(env.VTORQUE_OPEN_FILES) : undefined;
  return parseLimits(own, openFiles, Number(most.toString()));
}
