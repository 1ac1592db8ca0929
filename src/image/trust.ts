import { lstat, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * Why the file `path` must not be booted by user `uid`: somebody other than root and himself could have written it.
 * Looks at every directory from the root down, because who may write in one of them may replace the file; through
 * symbolic links too, both where they lie and where they lead.
 * @returns the reason, or undefined when the file is there and to be trusted
 */
export async function whyNotTrusted(path: string, uid: number): Promise<string | undefined> {
  const absolute = resolve(path);
  const real = await realpath(absolute).catch((error: NodeJS.ErrnoException) => error);
  if (real instanceof Error) return `"${absolute}": ${real.code ?? real.message}`;
  for (const part of new Set([...withParents(absolute), ...withParents(real)])) {
    const reason = await whyOthersMayWrite(part, uid);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

async function whyOthersMayWrite(part: string, uid: number): Promise<string | undefined> {
  const facts = await lstat(part).catch((error: NodeJS.ErrnoException) => error);
  if (facts instanceof Error) return `"${part}": ${facts.code ?? facts.message}`;
  if (facts.uid !== 0 && facts.uid !== uid) return `"${part}" belongs to uid ${facts.uid}`;
  // The mode of a link says nothing; where it leads is looked at on its own.
  if (facts.isSymbolicLink() || (facts.mode & 0o022) === 0) return undefined;
  // In a sticky directory only the owner of an entry may replace it, and the entry is looked at on its own.
  if (facts.isDirectory() && (facts.mode & 0o1000) !== 0) return undefined;
  return `"${part}" may be written by others (mode ${(facts.mode & 0o7777).toString(8)})`;
}

function withParents(path: string): string[] {
  const up = dirname(path);
  return up === path ? [path] : [path, ...withParents(up)];
}
