import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../run.ts';
import type { Privileges } from './privileges.ts';

const REMOVE_MS = 120_000;

/** A build's own directory. Its files belong to many users, so that removing it needs the build's privileges. */
export interface Scratch extends AsyncDisposable {
  readonly dir: string;
}

/**
 * Make a build's directory below `parent`, and remove those that builds of this user left there when they were killed.
 * Only for a caller who holds the lock of this user's builds.
 */
export async function makeScratch(parent: string, uid: number, privileges: Privileges): Promise<Scratch> {
  const prefix = `.new-vtorque-build-${uid}-`;
  const remove = async (dir: string): Promise<void> => {
    await run(privileges.asRoot(['rm', '-rf', '--', dir], dir), { deadlineMs: REMOVE_MS });
  };
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const facts = await lstat(join(parent, name));
    if (facts.isDirectory() && facts.uid === uid) await remove(join(parent, name));
  }
  const dir = join(parent, `${prefix}${randomBytes(6).toString('hex')}`);
  await mkdir(dir);
  // The build's other users must pass through; nobody can list it or guess its name.
  await chmod(dir, 0o711);
  return { dir, [Symbol.asyncDispose]: () => remove(dir) };
}
