import { type FileHandle, mkdir, open, stat, unlink } from 'node:fs/promises';
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

/** The lock of a file, held until it is disposed of. */
export interface HeldLock extends AsyncDisposable {
  /** Remove the file, which the lock outlives. Who waits for it takes that of a new file. */
  remove(): Promise<void>;
}

/** Who is told that it waits has waited as long. */
const TOLD_AFTER_MS = 300;
/** How often the file may be removed by its holder while we wait for it. */
const MOST_FILES = 10;

/**
 * Hold the lock of file `path` until disposed of, or until this process ends, however it ends. The file stays, unless it is removed by its holder.
 * @throws VtorqueError `E_LOCKED` when another process held it all the time, `E_CANNOT_WRITE`, `E_FLOCK`; the signal's reason
 */
export async function lockFile(path: string, { waitMs, signal, onWait }: LockOptions): Promise<HeldLock> {
  signal?.throwIfAborted();
  const until = performance.now() + waitMs;
  const waiting = setTimeout(() => onWait?.(), TOLD_AFTER_MS);
  try {
    for (let files = 0; files < MOST_FILES; files++) {
      const file = await lockOnce(path, Math.max(0, until - performance.now()), signal);
      if (file === 'held') break;
      if (file !== 'removed') return { remove: () => unlink(path), [Symbol.asyncDispose]: () => file.close() };
    }
    const held = waitMs > 0 ? `held it for ${waitMs / 1000} s` : 'holds it';
    throw new VtorqueError('E_LOCKED', `Cannot lock "${path}": another process ${held}`, {
      hint: 'Wait until the other one is done, then try again',
    });
  } finally {
    clearTimeout(waiting);
  }
}

/** @returns the locked file; or that another process holds it, or has removed what we have waited for */
async function lockOnce(
  path: string,
  waitMs: number,
  signal: AbortSignal | undefined,
): Promise<FileHandle | 'held' | 'removed'> {
  // Its directory may go with the file.
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const file = await openForUs(path);
  let kept = false;
  try {
    if (!(await lockDescriptor(file.fd, { kind: 'exclusive', what: `"${path}"`, waitMs, signal }))) return 'held';
    kept = await isAt(path, file);
    return kept ? file : 'removed';
  } finally {
    if (!kept) await file.close();
  }
}

/** Not by the number of its names: NFS gives an open file that is removed another one. */
async function isAt(path: string, file: FileHandle): Promise<boolean> {
  const [ours, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return ours.ino === there?.ino && ours.dev === there.dev;
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
