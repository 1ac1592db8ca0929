import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The files of this name that may be executed, in the order of the directories. Those that are not absolute count for nothing: what they
 * lead to depends on where one is.
 */
export function* commandsIn(directories: readonly (string | undefined)[], name: string): Generator<string> {
  for (const directory of directories) {
    if (!directory?.startsWith('/')) continue;
    const path = join(directory, name);
    if (isExecutable(path)) yield path;
  }
}

/** The directories of a PATH. */
export function directoriesOnPath(path: string | undefined): string[] {
  return (path ?? '').split(delimiter);
}

// Synchronous: a turn through the thread pool for each directory of PATH takes longer than all the look-ups.
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
