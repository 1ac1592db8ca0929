import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import { lockDescriptor } from '../process/index.ts';

/** Name of the file in an image's directory that says who uses the image. It is never written to. */
export const USE_LOCK = 'use.lock';

const WAIT_MS = 2000;
const what = 'the image';

/** Path of an image's lock. */
export function useLockOf(imageDir: string): string {
  return join(imageDir, USE_LOCK);
}

/**
 * Say that this process uses an image, until disposed of or until the process ends, however it ends.
 * An ordinary user may hold the lock of root's image, since reading the file is enough, and on NFS other nodes see it.
 * @throws VtorqueError `E_IMAGE_GONE` when the image is being deleted, or is not there any more; `E_FLOCK`
 */
export async function useImage(lock: string): Promise<AsyncDisposable> {
  const file = await open(lock, 'r').catch((cause: unknown) => {
    throw gone(lock, cause);
  });
  try {
    // Who deletes an image moves it away at once. Whoever else holds the lock as if he did may keep no job from its image.
    await lockDescriptor(file.fd, { kind: 'shared', what, waitMs: WAIT_MS });
    // While we waited it may have been deleted, and another image may be in its place.
    if (await isStill(file, lock)) return { [Symbol.asyncDispose]: () => file.close() };
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
    if (await lockDescriptor(file.fd, { kind: 'exclusive', what }))
      return { [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

async function isStill(file: FileHandle, path: string): Promise<boolean> {
  const [ours, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return there !== undefined && there.ino === ours.ino && there.dev === ours.dev;
}

function gone(lock: string, cause?: unknown): VtorqueError {
  return new VtorqueError('E_IMAGE_GONE', `Cannot use the image of "${lock}": it is being deleted or made again`, {
    hint: 'See what there is with: vtorque image list',
    phase: 'check',
    cause,
  });
}
