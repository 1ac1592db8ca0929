import { setTimeout as delay } from 'node:timers/promises';
import type { LeaseKey } from './leases/lease.ts';
import { covers } from './leases/lease.ts';
import { type MarkedProcess, markedProcesses } from './strays.ts';

/** A script that does not end at TERM keeps the batch system waiting as long; then that does it in its own way. */
const WITHIN_MS = 10_000;

/**
 * End a job with something to do before it ends, a disk that outlives it or a hook of the site in its guests, before its batch system does: that would kill it in
 * the next moment (Torque 6.1: 5 to 10 ms after TERM, or its `kill_delay`). The launcher gets TERM and has time; other jobs are left alone.
 * @param uid whose processes count
 * @returns when the job's machines have gone, or the time is over
 */
export async function endBeforehand(key: LeaseKey, uid = process.getuid?.() ?? 0, withinMs = WITHIN_MS): Promise<void> {
  // One launcher may have several machines, and a second TERM would mean that there is no time.
  const launchers = new Set((await machinesToAsk(key, uid)).map(({ parent }) => parent));
  for (const launcher of launchers) {
    try {
      process.kill(launcher, 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
  }
  for (const end = performance.now() + withinMs; performance.now() < end; await delay(20)) {
    if ((await machinesToAsk(key, uid)).length === 0) return;
  }
}

async function machinesToAsk(key: LeaseKey, uid: number): Promise<MarkedProcess[]> {
  const all = await markedProcesses();
  return all.filter((each) => each.askToEnd && each.parent > 1 && each.uid === uid && covers(key, each.key));
}
