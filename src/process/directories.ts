import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { VtorqueError } from '../base/index.ts';

/**
 * A directory that all may read, with the parents that it lacks, whatever the caller's mask of modes. Existing ones stay as they are.
 * @throws VtorqueError `E_CANNOT_WRITE`
 */
export async function makeReadableDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o755 }).catch((cause: NodeJS.ErrnoException) => {
    throw new VtorqueError('E_CANNOT_WRITE', `Cannot make the directory "${path}": ${cause.code}`, {
      hint: 'See who may write there, and that there is room on the disk',
      cause,
    });
  });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
}

/**
 * A directory for its owner only. Of root's, the parents that it lacks are for all: in the same places is what root provides for users.
 * @throws VtorqueError `E_CANNOT_WRITE` for a parent, else what mkdir(2) says
 */
export async function makePrivateDirectory(path: string): Promise<void> {
  if (process.getuid?.() === 0) await makeReadableDirectory(dirname(path));
  await mkdir(path, { recursive: true, mode: 0o700 });
}
