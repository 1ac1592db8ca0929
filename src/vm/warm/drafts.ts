import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import { lockFile } from '../../process/index.ts';

/** What the maker of a template holds, and who wants the same one waits for. */
export function lockOf(store: string, key: string): string {
  return join(store, `.lock-${key}`);
}

/** A place for a template that is being made. */
export function newDraft(store: string, key: string): string {
  return join(store, `${draftPrefix(key)}${randomBytes(6).toString('hex')}`);
}

/** Remove what makers of this key have left that were interrupted. Only for who holds the key's lock. */
export async function sweepDrafts(store: string, key: string): Promise<void> {
  for (const name of await readdir(store)) {
    if (name.startsWith(draftPrefix(key))) await rm(join(store, name), { recursive: true, force: true });
  }
}

/**
 * Remove what interrupted makers of any key have left, and the locks of keys without a template. What is being made now stays, and so does a lock that
 * somebody holds.
 */
export async function sweepAbandoned(store: string): Promise<void> {
  const names: string[] = await readdir(store).catch(() => []);
  const drafted = names.flatMap((name) => /^\.new-(.+)-[0-9a-f]+$/.exec(name)?.[1] ?? []);
  const locked = names.flatMap((name) => /^\.lock-(.+)$/.exec(name)?.[1] ?? []);
  for (const key of new Set([...drafted, ...locked.filter((each) => !names.includes(each))])) {
    try {
      await using lock = await lockFile(lockOf(store, key), { waitMs: 0 });
      await sweepDrafts(store, key);
      if (!(await isThere(join(store, key)))) await lock.remove();
    } catch (error) {
      if (!(error instanceof VtorqueError) || error.code !== 'E_LOCKED') throw error;
    }
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
}

function draftPrefix(key: string): string {
  return `.new-${key}-`;
}
