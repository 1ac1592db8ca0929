import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
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

/** Remove what interrupted makers of any key have left. What is being made now stays. */
export async function sweepAbandoned(store: string): Promise<void> {
  const names = await readdir(store).catch(() => []);
  const keys = new Set(names.flatMap((name) => /^\.new-(.+)-[0-9a-f]+$/.exec(name)?.[1] ?? []));
  await Promise.all(
    [...keys].map(async (key) => {
      try {
        await using _lock = await lockFile(lockOf(store, key), { waitMs: 0 });
        await sweepDrafts(store, key);
      } catch (error) {
        if (!(error instanceof VtorqueError) || error.code !== 'E_LOCKED') throw error;
      }
    }),
  );
}

function draftPrefix(key: string): string {
  return `.new-${key}-`;
}
