import { constants } from 'node:os';
import type { Env } from '../base/index.ts';
import { type Argv, start } from './start.ts';

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
/** How long it may take to end after a signal. */
const GRACE_MS = 5000;

export interface ForegroundOptions {
  readonly env: Env;
  /** What it reads; our own standard input without it. */
  readonly input?: Uint8Array | undefined;
  /** Of its standard output and error, those that are returned instead of being ours. */
  readonly keeps?: readonly ('stdout' | 'stderr')[];
}

export interface ForegroundEnd {
  /** Its exit code; 128 and the signal's number when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Run a program in our place: at the user's own terminal, in his directory, for as long as it takes. Signals to us are passed on to it.
 * @throws Error of the system when it cannot be started
 */
export async function runInForeground(argv: Argv, options: ForegroundOptions): Promise<ForegroundEnd> {
  const { env, input, keeps = [] } = options;
  const child = start(argv, {
    ...{ tie: 'free', env },
    stdio: [
      input ?? 'inherit',
      ...(['stdout', 'stderr'] as const).map((stream) => (keeps.includes(stream) ? 'pipe' : 'inherit')),
    ],
  });
  let deadline: NodeJS.Timeout | undefined;
  const passOn = (signal: NodeJS.Signals): void => {
    child.signal(signal);
    deadline ??= setTimeout(() => child.signal('SIGKILL'), GRACE_MS).unref();
  };
  for (const signal of PASSED_ON) process.on(signal, passOn);
  try {
    await child.begun;
    const kept = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    for (const stream of keeps) {
      child.pipe(stream === 'stdout' ? 1 : 2).on('data', (piece: Buffer) => kept[stream].push(piece));
    }
    const { code, signal } = await child.closed;
    const text = (stream: 'stdout' | 'stderr'): string => Buffer.concat(kept[stream]).toString();
    return {
      code: code ?? 128 + constants.signals[signal ?? 'SIGKILL'],
      stdout: text('stdout'),
      stderr: text('stderr'),
    };
  } finally {
    clearTimeout(deadline);
    for (const signal of PASSED_ON) process.off(signal, passOn);
  }
}
