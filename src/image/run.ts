import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { VtorqueError } from '../base/index.ts';

export interface RunOptions {
  /** The whole command's time, in milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string;
  /** Added to the small environment that every command gets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Bytes for the command's standard input; empty unless given. */
  readonly stdin?: Uint8Array;
  /** An open descriptor for standard output, instead of capturing it. */
  readonly stdoutTo?: number;
  /** Called with each line of standard error, and of standard output unless `stdoutTo` or `capture` takes it. */
  readonly onLine?: (line: string) => void;
  /** Return standard output's bytes. */
  readonly capture?: boolean;
}

/** A command that ran and did not succeed. Callers turn it into an error that names their own stage. */
export class CommandFailed extends Error {
  readonly program: string;
  /** What it ended with: `exit code 2`, `signal SIGKILL`, `no end within 300 s`. */
  readonly ending: string;
  /** The last lines that it printed. */
  readonly tail: readonly string[];

  constructor(program: string, ending: string, tail: readonly string[]) {
    super(`${program}: ${ending}`);
    this.name = 'CommandFailed';
    this.program = program;
    this.ending = ending;
    this.tail = tail;
  }
}

const TAIL_LINES = 20;
const GRACE_MS = 2000;
// Administrators' programs (depmod, mkfs.ext4) are not on an ordinary user's PATH.
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const PROXY = /^(https?|ftp|no)_proxy$/i;

/**
 * Run one command to its end.
 * It gets its own process group, dies with this process, and is told TERM, two seconds later KILL, when the deadline
 * is over or `signal` aborts.
 * @returns standard output with `capture`, else nothing
 * @throws CommandFailed when it fails, VtorqueError `E_TOOL_MISSING` when there is no such program, the signal's
 *   reason when aborted
 */
export async function run(argv: readonly [string, ...string[]], options: RunOptions): Promise<Buffer> {
  options.signal?.throwIfAborted();
  const [program] = argv;
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
    cwd: options.cwd,
    env: { ...commandEnvironment(), ...options.env },
    detached: true,
    stdio: ['pipe', options.stdoutTo ?? 'pipe', 'pipe'],
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  const stop = killAfter(child, options.deadlineMs, options.signal);
  const tail: string[] = [];
  const captured: Buffer[] = [];
  const listen = (stream: Readable | null): void => {
    if (stream === null) return;
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      options.onLine?.(line);
    });
  };
  listen(child.stderr);
  if (options.capture) child.stdout?.on('data', (bytes: Buffer) => captured.push(bytes));
  else listen(child.stdout);
  // A program may end without reading its input; its exit code tells what that means.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.stdin ?? '');
  try {
    const ending = await ended;
    options.signal?.throwIfAborted();
    if (stop.late()) throw new CommandFailed(program, `no end within ${options.deadlineMs / 1000} s`, tail);
    // setpriv ends with 127 for a program that it does not find, and nothing else here uses that code.
    if (ending === 'exit code 127') throw toolMissing(program);
    if (ending !== 'exit code 0') throw new CommandFailed(program, ending, tail);
    return Buffer.concat(captured);
  } finally {
    stop.release();
  }
}

/** The error for a program that is not installed. */
export function toolMissing(program: string, debianPackage: string = program): VtorqueError {
  return new VtorqueError('E_TOOL_MISSING', `Cannot run "${program}": it is not installed`, {
    hint: `Install it, for instance with: apt-get install ${debianPackage}`,
  });
}

function killAfter(child: ChildProcess, deadlineMs: number, signal: AbortSignal | undefined) {
  let late = false;
  let grace: NodeJS.Timeout | undefined;
  const kill = (name: NodeJS.Signals): void => {
    if (child.pid === undefined) return;
    try {
      // The group, also when its leader has ended: whoever still holds the pipes belongs to it.
      process.kill(-child.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const end = (): void => {
    kill('SIGTERM');
    grace ??= setTimeout(() => kill('SIGKILL'), GRACE_MS);
  };
  const deadline = setTimeout(() => {
    late = true;
    end();
  }, deadlineMs);
  signal?.addEventListener('abort', end);
  return {
    late: () => late,
    release: () => {
      clearTimeout(deadline);
      clearTimeout(grace);
      signal?.removeEventListener('abort', end);
    },
  };
}

function commandEnvironment(): Record<string, string> {
  const env: Record<string, string> = { PATH, LC_ALL: 'C.UTF-8', HOME: process.env.HOME ?? '/' };
  for (const [name, value] of Object.entries(process.env)) {
    if (PROXY.test(name) && value !== undefined) env[name] = value;
  }
  return env;
}
