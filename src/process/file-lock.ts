import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { VtorqueError } from '../base/index.ts';

export interface LockOptions {
  /** How long to wait for another holder, in milliseconds. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called when another holder makes us wait. */
  readonly onWait?: () => void;
}

/**
 * Hold the lock of file `path` until disposed of.
 * The kernel's lock is held by a small process that lives as long as its standard input is open, so that the lock ends
 * with this process however it ends. The file stays.
 * @throws VtorqueError `E_LOCKED` when another process held it all the time, `E_CANNOT_WRITE`
 */
export async function lockFile(path: string, options: LockOptions): Promise<AsyncDisposable> {
  options.signal?.throwIfAborted();
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await keepForUs(path);
  const seconds = String(Math.max(1, Math.ceil(options.waitMs / 1000)));
  const holder = spawn('flock', ['--exclusive', '--timeout', seconds, '--conflict-exit-code', '75', path, 'cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Ctrl-C at the terminal is for us; the holder ends when we let go.
    detached: true,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    holder.once('error', reject);
    holder.once('close', (code) => resolve(code));
  });
  const held = new Promise<'held'>((resolve) => holder.stdout.once('data', () => resolve('held')));
  const waiting = setTimeout(() => options.onWait?.(), 300);
  const giveUp = (): void => {
    holder.kill('SIGKILL');
  };
  options.signal?.addEventListener('abort', giveUp);
  holder.stdin.on('error', () => {});
  // The echo of this byte says that `cat` runs, which it does only with the lock.
  holder.stdin.write('.');
  try {
    const first = await Promise.race([held, ended]);
    options.signal?.throwIfAborted();
    if (first !== 'held') {
      throw new VtorqueError('E_LOCKED', `Cannot lock "${path}": another process held it for ${seconds} s`, {
        hint: 'Wait until the other one is done, then try again',
      });
    }
  } finally {
    clearTimeout(waiting);
    options.signal?.removeEventListener('abort', giveUp);
  }
  return {
    async [Symbol.asyncDispose]() {
      holder.stdin.end();
      await ended;
    },
  };
}

/** Who may read a file may lock it, and keep its owner waiting. */
async function keepForUs(path: string): Promise<void> {
  try {
    await using file = await open(path, 'a', 0o600);
    await file.chmod(0o600);
  } catch (cause) {
    throw new VtorqueError('E_CANNOT_WRITE', `Cannot lock "${path}": ${(cause as NodeJS.ErrnoException).code}`, {
      hint: 'See who owns the file, and that there is room on the disk',
      cause,
    });
  }
}
