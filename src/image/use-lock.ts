import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { VtorqueError } from '../base/index.ts';

/** Name of the file in an image's directory that says who uses the image. It is never written to. */
export const USE_LOCK = 'use.lock';

const CONFLICT = 75;
const WAIT_SECONDS = 10;

/** Path of an image's lock. */
export function useLockOf(imageDir: string): string {
  return join(imageDir, USE_LOCK);
}

/**
 * Say that this process uses an image, until disposed of or until the process ends, however it ends.
 * An ordinary user may hold the lock of root's image, since reading the file is enough, and on NFS other nodes see it.
 * @throws VtorqueError `E_IMAGE_GONE` when the image is being deleted, or is not there any more
 */
export async function useImage(lock: string): Promise<AsyncDisposable> {
  const file = await open(lock, 'r').catch((cause: unknown) => {
    throw gone(lock, cause);
  });
  try {
    if (await lockOf(file, 'shared', WAIT_SECONDS)) return { [Symbol.asyncDispose]: () => file.close() };
    throw gone(lock);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Hold the lock of an image that nobody uses, so that nobody begins to.
 * @returns undefined when somebody uses it
 */
export async function claimImage(lock: string): Promise<AsyncDisposable | undefined> {
  // NFS gives an exclusive lock only to who may write.
  const file = await open(lock, 'r+').catch(() => open(lock, 'r'));
  try {
    if (await lockOf(file, 'exclusive', 0)) return { [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

/**
 * Node cannot lock files. A lock of flock(2) belongs to the open file, not to a process: what the small program takes on a
 * descriptor that it has from us stays with us when it has ended.
 */
async function lockOf(file: FileHandle, kind: 'shared' | 'exclusive', seconds: number): Promise<boolean> {
  const child = spawn('flock', [`--${kind}`, '--timeout', `${seconds}`, '--conflict-exit-code', `${CONFLICT}`, '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file.fd],
    timeout: (WAIT_SECONDS + 5) * 1000,
    killSignal: 'SIGKILL',
  });
  const [code] = await once(child, 'close');
  if (code !== 0 && code !== CONFLICT) throw new Error(`flock ended with exit code ${code}`);
  return code === 0;
}

function gone(lock: string, cause?: unknown): VtorqueError {
  return new VtorqueError('E_IMAGE_GONE', `Cannot use the image of "${lock}": it is being deleted or made again`, {
    hint: 'See what there is with: vtorque image list',
    phase: 'check',
    cause,
  });
}
