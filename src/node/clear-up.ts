import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runTool } from '../process/index.ts';
import { type Lease, type LeaseKey, temporaryPrefix } from './leases/lease.ts';
import { killStrays } from './strays.ts';
import { temporaryPlaces } from './temporary.ts';

/**
 * Remove all that a run of a job has left on this node: processes, then temporary directories.
 * @throws Error when something stays
 */
export async function clearUp(
  key: LeaseKey,
  owner: Lease['owner'],
  within: readonly string[] = temporaryPlaces,
): Promise<void> {
  await killStrays(key, owner.uid);
  const prefix = temporaryPrefix(key);
  for (const place of within) {
    const names = (await readdir(place)).filter((name) => name.startsWith(prefix));
    for (const name of names) await removeAs(owner, join(place, name));
  }
}

/** As the owner: whatever he has put in there, root follows no link of his and removes nothing that he could not. */
export async function removeAs({ uid, gid }: Pick<Lease['owner'], 'uid' | 'gid'>, path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.uid !== uid || !found.isDirectory()) return;
  const remove = ['rm', '-rf', '--one-file-system', '--', path] as const;
  const isRoot = process.getuid?.() === 0;
  await runTool(isRoot ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', ...remove] : remove);
}
