import type { Lease, LeaseKey } from './leases/lease.ts';
import type { LeaseStore } from './leases/store.ts';

/**
 * A hook ends by itself after this time, and leaves the rest to the next one or to the reaper. Batch systems kill one that takes
 * longer than they allow, and take the node down or put the job back for it: Torque's $prologalarm has to be longer.
 */
export const HOOK_WITHIN_MS = 45_000;

/** A run of a job on this node, and whose it is, as the batch system told its hook. */
export interface HookedJob {
  readonly key: LeaseKey;
  readonly owner: Lease['owner'];
}

export interface HookDeps {
  readonly store: LeaseStore;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Remove all that a run of a job has left here. */
  readonly clearUp: (key: LeaseKey, owner: Lease['owner']) => Promise<void>;
  /** What needs root and the job may use, made once the lease is there. */
  readonly provide?: (job: HookedJob) => Promise<void>;
}

/**
 * Before a job starts on this node. Batch systems run this overlapping with `release`, twice, or after it.
 * @param since when the hook began. A tombstone that is younger was written while this one was on its way: the job is over.
 *   One that is older is that of an earlier run, where the batch system does not tell its hooks which run it is.
 * @returns whether the job was prepared, or had been released by then
 */
export async function prepare(
  job: HookedJob,
  since: number,
  { store, now, provide }: HookDeps,
): Promise<'prepared' | 'too late'> {
  return store.whileLocked(job.key, async () => {
    const known = await store.read(job.key);
    const over = known !== undefined && known.state !== 'prepared';
    // One of the future is from before the clock was set back, and so from before this hook.
    const meanwhile = known !== undefined && known.at >= since && known.at <= now();
    if (over && (job.key.attempt !== undefined || meanwhile)) return 'too late';
    await store.write({ ...job, state: 'prepared', at: now() });
    await provide?.(job);
    return 'prepared';
  });
}

/**
 * After a job has ended on this node, or never came to be. Whatever fails, the lease says that there is something left to do; where no lease
 * can be written, as on a full disk, what there is to remove is removed all the same.
 * @returns whether there was anything of it here
 */
export async function release(job: HookedJob, { store, now, clearUp }: HookDeps): Promise<'released' | 'unknown'> {
  return store.whileLocked(job.key, async () => {
    const known = await store.read(job.key);
    const owner = known?.owner ?? job.owner;
    const lease = { key: job.key, owner };
    // That it cannot be written, the tombstone will tell: a lease of before stands for the same.
    if (known?.state !== 'released') await store.write({ ...lease, state: 'releasing', at: now() }).catch(() => {});
    await clearUp(job.key, owner);
    await store.write({ ...lease, state: 'released', at: now() });
    return known === undefined ? 'unknown' : 'released';
  });
}
