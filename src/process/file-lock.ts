import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import { lockDescriptor } from './descriptor-lock.ts';

export interface LockOptions {
  /** How long to wait for another holder, in milliseconds; 0: not at all. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called when another holder makes us wait. */
  readonly onWait?: () => void;
}

/** Who is told that it waits has waited as long. */
const TOLD_AFTER_MS = 300;

/**
 * Hold the lock of file `path` until disposed of, or until this process ends, however it ends. The file stays.
 * @throws VtorqueError `E_LOCKED` when another process held it all the time, `E_CANNOT_WRITE`, `E_FLOCK`; the signal's reason
 */
export async function lockFile(path: string, { waitMs, signal, onWait }: LockOptions): Promise<AsyncDisposable> {
  signal?.throwIfAborted();
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const file = await openForUs(path);
  const waiting = setTimeout(() => onWait?.(), TOLD_AFTER_MS);
  try {
    if (await lockDescriptor(file.fd, { kind: 'exclusive', what: `"${path}"`, waitMs, signal })) {
      return { [Symbol.asyncDispose]: () => file.close() };
    }
    const held = waitMs > 0 ? `held it for ${waitMs / 1000} s` : 'holds it';
    throw new VtorqueError('E_LOCKED', `Cannot lock "${path}": another process ${held}`, {
      hint: 'Wait until the other one is done, then try again',
    });
  } catch (error) {
    await file.close();
    throw error;
  } finally {
    clearTimeout(waiting);
  }
}

/** Who may read a file may lock it, and keep its owner waiting. */
async function openForUs(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'a', 0o600);
    await file.chmod(0o600).catch(async (error: unknown) => {
      await file.close();
      throw error;
    });
    return file;
  } catch (cause) {
    throw new VtorqueError('E_CANNOT_WRITE', `Cannot lock "${path}": ${(cause as NodeJS.ErrnoException).code}`, {
      hint: 'See who owns the file, and that there is room on the disk',
      cause,
    });
  }
}
