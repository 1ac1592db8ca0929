import { readdir, readFile, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ASK_MARK, covers, JOB_MARK, type LeaseKey, readMark } from './leases/lease.ts';

/** A process that carries the mark of a job. */
export interface MarkedProcess {
  readonly pid: number;
  /** Ticks since the boot: with the number, who it is. */
  readonly born: string;
  readonly parent: number;
  readonly uid: number;
  readonly program: string;
  readonly key: LeaseKey;
  /** A machine whose job has something to do before it ends. */
  readonly askToEnd: boolean;
}

/** A node may have more processes than this one may have open files. */
const AT_ONCE = 32;
/** A process may end while it is looked at, and others' environments are not everybody's to read. */
const notSeen: readonly (string | undefined)[] = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM'];

/**
 * All processes of this node that carry a mark; as an ordinary user only his own.
 * @throws Error when a process could not be looked at that may carry one
 */
export async function markedProcesses(): Promise<MarkedProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: (MarkedProcess | undefined)[] = [];
  for (let at = 0; at < pids.length; at += AT_ONCE) {
    found.push(...(await Promise.all(pids.slice(at, at + AT_ONCE).map(look))));
  }
  return found.filter((each) => each !== undefined);
}

async function look(pid: number): Promise<MarkedProcess | undefined> {
  try {
    const environment = (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0');
    const mark = environment.find((entry) => entry.startsWith(`${JOB_MARK}=`));
    const key = mark === undefined ? undefined : readMark(mark.slice(JOB_MARK.length + 1));
    if (key === undefined) return undefined;
    const [{ uid }, facts] = await Promise.all([stat(`/proc/${pid}`), readFile(`/proc/${pid}/stat`, 'latin1')]);
    const [, program = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(facts) ?? [];
    const [, parent = '', born = ''] = [0, 1, 19].map((at) => rest.split(' ')[at]);
    const askToEnd = environment.includes(`${ASK_MARK}=1`);
    return { pid, born, parent: Number(parent), uid, program, key, askToEnd };
  } catch (error) {
    if (notSeen.includes((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

/**
 * Kill what a run of a job has left running: only processes of its owner, so that nobody can have another's killed by a mark.
 * @returns those that were there
 * @throws Error when some do not die in time
 */
export async function killStrays(key: LeaseKey, ownerUid: number, withinMs = 3000): Promise<MarkedProcess[]> {
  const found = new Map<string, MarkedProcess>();
  for (const deadline = performance.now() + withinMs; ; await delay(20)) {
    const left = (await markedProcesses()).filter((each) => each.uid === ownerUid && covers(key, each.key));
    if (left.length === 0) return [...found.values()];
    for (const each of left) {
      found.set(`${each.pid} ${each.born}`, each);
      kill(each);
    }
    if (performance.now() > deadline) throw new Error(`processes do not end: ${left.map(({ pid }) => pid).join(', ')}`);
  }
}

/** Kill a process that was seen a while ago, unless its number has become another's. */
export async function killIfSame(seen: MarkedProcess): Promise<void> {
  const now = await look(seen.pid);
  if (now?.born === seen.born) kill(now);
}

function kill({ pid }: Pick<MarkedProcess, 'pid'>): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
