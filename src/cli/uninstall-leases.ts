import { existsSync, rmSync } from 'node:fs';
import type { Change } from '../install/index.ts';
import { LeaseStore } from '../node/leases/store.ts';

/**
 * Remove what hooks have written down of jobs, if all these are over.
 * @param directory of the leases; it need not be there
 */
export async function removeLeases(directory: string, uid: number, dryRun: boolean): Promise<Change[]> {
  if (!existsSync(directory)) return [];
  const leases = await (await LeaseStore.open(directory, uid)).list();
  const open = leases.filter(({ state }) => state !== 'released').map(({ key }) => key.jobId);
  if (open.length > 0) return [{ action: 'keep', path: directory, why: `not released: ${open.join(', ')}` }];
  if (!dryRun) rmSync(directory, { recursive: true, force: true });
  return [{ action: 'remove', path: directory }];
}
