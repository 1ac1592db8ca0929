import { chmod, lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Make a directory that all may enter and only root writes to, whatever mask of modes a hook has. */
export async function makeRootsDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; ; made = dirname(made)) {
    await chmod(made, 0o755);
    if (made === first) return;
  }
}

/** Whether only root can have written there. @throws Error `ENOENT` */
export async function isRoots(path: string): Promise<boolean> {
  const { uid, mode } = await lstat(path);
  return uid === 0 && (mode & 0o022) === 0;
}
