import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { LeaseKey } from './leases/lease.ts';
import { covers } from './leases/lease.ts';
import { type MarkedProcess, markedProcesses } from './strays.ts';

/** A script that does not end at TERM keeps the batch system waiting as long; then that does it in its own way. */
const WITHIN_MS = 10_000;

/**
 * End a job with a disk that outlives it, before its batch system does: that would kill it in the next moment (Torque 6.1: 5 to 10 ms after TERM, or its
 * `kill_delay`), and the disk could not be unmounted. The launcher gets TERM and has time; other jobs are left alone.
 * @param uid whose processes count
 * @returns when the machine with the disk has gone, or the time is over
 */
export async function endBeforehand(key: LeaseKey, uid = process.getuid?.() ?? 0, withinMs = WITHIN_MS): Promise<void> {
  const machines = await withDisk(key, uid);
  for (const { parent } of machines) {
    try {
      process.kill(parent, 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
  }
  for (const end = performance.now() + withinMs; performance.now() < end; await delay(20)) {
    if ((await withDisk(key, uid)).length === 0) return;
  }
}

async function withDisk(key: LeaseKey, uid: number): Promise<{ readonly parent: number }[]> {
  const own = (await markedProcesses()).filter((each) => each.uid === uid && covers(key, each.key));
  return (await Promise.all(own.map(machineWithDisk))).flat();
}

async function machineWithDisk({ pid }: MarkedProcess): Promise<{ readonly parent: number }[]> {
  // A process may end while it is looked at.
  const [words, facts] = await Promise.all(
    ['cmdline', 'stat'].map((file) => readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '')),
  );
  const disk = (words ?? '').split('\0').find((word) => /^driver=\w+,node-name=data,/.test(word));
  const parent = Number(/^\d+ \(.*\) \S (\d+)/s.exec(facts ?? '')?.[1] ?? 0);
  // A scratch disk, whose flushes count for nothing, is gone with its machine anyway.
  return disk === undefined || disk.includes('cache.no-flush=on') || parent <= 1 ? [] : [{ parent }];
}
