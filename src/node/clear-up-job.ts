import { clearUp } from './clear-up.ts';
import type { Lease, LeaseKey } from './leases/lease.ts';
import { releaseNetwork } from './network/release.ts';

/**
 * Remove all that a run of a job has on this node: what its processes have left, and what root has made for it.
 * @throws Error when something stays; what could be removed is gone then, too
 */
export async function clearUpJob(key: LeaseKey, owner: Lease['owner']): Promise<void> {
  const outcomes = await Promise.allSettled([clearUp(key, owner), releaseNetwork(key)]);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
