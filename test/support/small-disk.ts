import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, statfs } from 'node:fs/promises';
import { execute } from './cluster.ts';
import { isRoot } from './users.ts';

const trial = isRoot ? spawnSync('unshare', ['--mount', 'true'], { timeout: 20_000 }).status : 1;

/** Why no file system can be mounted here; undefined when one can. */
export const whyNoSmallDisk: string | undefined = trial === 0 ? undefined : 'file systems cannot be mounted here';

/** A small file system of its own in place of a directory. Disposing of it gives the directory back as it was. */
export async function smallDisk(directory: string, size: string, mode = '1777'): Promise<AsyncDisposable> {
  await mkdir(directory, { recursive: true });
  await must('mount', '-t', 'tmpfs', '-o', `size=${size},mode=${mode}`, 'small', directory);
  return { [Symbol.asyncDispose]: () => must('umount', directory) };
}

/** Take all the room that a small file system has, with a file `filler`. */
export async function fill(directory: string): Promise<void> {
  await execute(['dd', 'if=/dev/zero', `of=${directory}/filler`, 'bs=4k'], { env: process.env });
  assert.equal((await statfs(directory)).bavail, 0);
}

async function must(...command: string[]): Promise<void> {
  const { code, stderr } = await execute(command, { env: process.env });
  assert.equal(code, 0, stderr);
}
