import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
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

/**
 * Remove where hooks have written down networks of jobs, if there are none any more.
 * @param directories below one of ours; they need not be there
 */
export function removeNetworkPlaces(directories: readonly string[], dryRun: boolean): Change[] {
  const changes = directories.filter(existsSync).map((path): Change => {
    if (readdirSync(path).some((name) => name.endsWith('.json')))
      return { action: 'keep', path, why: 'there are networks of jobs: vtorque reap' };
    if (!dryRun) rmSync(path, { recursive: true, force: true });
    return { action: 'remove', path };
  });
  const parents = new Set(dryRun ? [] : changes.map(({ path }) => dirname(path)));
  for (const parent of parents) if (readdirSync(parent).length === 0) rmdirSync(parent);
  return changes;
}
