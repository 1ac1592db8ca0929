import { readdir, readFile, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { covers, JOB_MARK, type LeaseKey, readMark } from './leases/lease.ts';

/** A process that carries the mark of a job. */
export interface MarkedProcess {
  readonly pid: number;
  /** Ticks since the boot: with the number, who it is. */
  readonly born: string;
  readonly uid: number;
  readonly program: string;
  readonly key: LeaseKey;
}

/** All processes of this node that carry a mark; as an ordinary user only his own. */
export async function markedProcesses(): Promise<MarkedProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  return (await Promise.all(pids.map(look))).filter((found) => found !== undefined);
}

async function look(pid: number): Promise<MarkedProcess | undefined> {
  // A process may end while it is looked at, and others' environments are not everybody's to read.
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1');
    const mark = environment.split('\0').find((entry) => entry.startsWith(`${JOB_MARK}=`));
    const key = mark === undefined ? undefined : readMark(mark.slice(JOB_MARK.length + 1));
    if (key === undefined) return undefined;
    const [{ uid }, facts] = await Promise.all([stat(`/proc/${pid}`), readFile(`/proc/${pid}/stat`, 'latin1')]);
    const [, program = '', rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(facts) ?? [];
    return { pid, born: rest.split(' ')[19] ?? '', uid, program, key };
  } catch {
    return undefined;
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
