import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** A file or directory that is made under this name first, and then renamed. */
export function draftOf(path: string): string {
  return `${path}.vtorque-new-${process.pid}`;
}

/** Remove what installations that were killed have left of a path. */
export async function removeDrafts(path: string): Promise<void> {
  const names = await readdir(dirname(path)).catch(() => [] as string[]);
  for (const name of names) {
    if (!name.startsWith(`${basename(path)}.vtorque-new-`)) continue;
    await rm(join(dirname(path), name), { recursive: true, force: true });
  }
}

/** Put a file or a link in the place of `path`, in one step for whoever looks at it. */
export async function atomically(path: string, make: (draft: string) => Promise<void>): Promise<void> {
  const draft = draftOf(path);
  await removeDrafts(path);
  await make(draft);
  await rename(draft, path);
}
