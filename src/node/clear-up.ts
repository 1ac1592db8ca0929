import { execFile } from 'node:child_process';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Lease, type LeaseKey, temporaryPrefix } from './leases/lease.ts';
import { killStrays } from './strays.ts';
import { temporaryPlaces } from './temporary.ts';

const REMOVE_MS = 10_000;

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
  const [program, ...args] =
    process.getuid?.() === 0
      ? (['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', ...remove] as const)
      : remove;
  await promisify(execFile)(program, args, { timeout: REMOVE_MS, env: { PATH: '/usr/bin:/bin' } });
}
