import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Directories on the way to some paths that this user may enter but not read (mode 0711, as home directories often
 * lie in). QEMU's 9p server opens a directory before it looks into it, so through it nothing below is reachable, and no
 * place to mount something can be made there. The guest gets an empty directory over each instead.
 * @returns the outermost ones, each once
 */
export async function closedParents(paths: readonly string[]): Promise<string[]> {
  const closed = new Set<string>();
  for (const path of paths) {
    for (const parent of parentsOf(path)) {
      if (await readable(parent)) continue;
      closed.add(parent);
      break;
    }
  }
  return [...closed];
}

/** From the outermost to the innermost, without the path itself. */
function parentsOf(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...parentsOf(parent), parent];
}

/** What is not there is made, which is no reason to hide what is. */
async function readable(directory: string): Promise<boolean> {
  return access(directory, constants.R_OK).then(
    () => true,
    (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT',
  );
}
