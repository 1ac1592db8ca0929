import { lstat } from 'node:fs/promises';

/** Whether only root can have written there. @throws Error `ENOENT` */
export async function isRoots(path: string): Promise<boolean> {
  const { uid, mode } = await lstat(path);
  return uid === 0 && (mode & 0o022) === 0;
}
