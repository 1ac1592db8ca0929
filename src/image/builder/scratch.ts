import { createHash, randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../run.ts';
import type { Privileges } from './privileges.ts';

const REMOVE_MS = 120_000;

/** A build's own directory. Its files belong to many users, so that removing it needs the build's privileges. */
export interface Scratch extends AsyncDisposable {
  readonly dir: string;
}

export interface ScratchOptions {
  /** Where to make it. */
  readonly parent: string;
  /** The pool that the build is for; the caller holds its lock. */
  readonly pool: string;
  readonly uid: number;
  readonly privileges: Privileges;
}

/**
 * Make a build's directory, and remove those that killed builds of this user for this pool left in the same place.
 */
export async function makeScratch({ parent, pool, uid, privileges }: ScratchOptions): Promise<Scratch> {
  const key = createHash('sha256').update(pool).digest('hex').slice(0, 8);
  const prefix = `.new-vtorque-build-${uid}-${key}-`;
  const remove = async (dir: string): Promise<void> => {
    await run(privileges.enclose(['rm', '-rf', '--', dir]), { withinMs: REMOVE_MS });
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
