import { spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { definedOnly, type Env, VtorqueError } from '../base/index.ts';
import { boundProgram } from './native/build.ts';

/** A program and its arguments. No shell reads them. */
export type Argv = readonly [program: string, ...args: string[]];

/**
 * What ties a program to this process.
 * - `shielded`: it ends with this process, and of all signals only KILL reaches it and what it starts. A batch system sends its signals to all
 *   processes of a job, and it is for us to act upon them.
 * - `bound`: it ends with this process.
 * - `free`: nothing; it may go on without us.
 */
export type Tie = 'shielded' | 'bound' | 'free';

export type Descriptor = 'pipe' | 'ignore' | 'inherit' | Uint8Array | number | Duplex;

export interface StartOptions {
  readonly tie: Tie;
  /** All of its environment. */
  readonly env: Env;
  /** Its working directory; ours unless told. */
  readonly cwd?: string;
  /** Its descriptors from 0 on: a pipe with us, what it reads from one, one of ours, or /dev/null, as are those of the first three that are not told. */
  readonly stdio?: readonly Descriptor[];
  /** In a session of its own, so that it can be killed with all that it starts, and no terminal sends it signals. */
  readonly apart?: boolean;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It has not ended at all: see `orLeft`. */
  readonly left?: true;
}

/** A program that was started. */
export interface Started {
  /** 0 when it could not be started. */
  readonly pid: number;
  /** Resolves when it runs; rejects when it cannot be started, and so do the two others. Nobody need listen to any of them. */
  readonly begun: Promise<unknown>;
  readonly ended: Promise<ProcessEnd>;
  /** It has ended, and all that it has written was read. */
  readonly closed: Promise<ProcessEnd>;
  /** Our end of a descriptor that is a pipe. */
  pipe(descriptor: number): Duplex;
  signal(signal: NodeJS.Signals): void;
  /** To all that it has started, too, if it is apart. */
  signalAll(signal: NodeJS.Signals): void;
  /** Neither stay for it, nor listen to it. */
  abandon(): void;
}

/**
 * Start a program. All that vTorque starts is started here; who needs no more than its output takes `run` or `runTool`.
 * A tied program that is not there ends with exit code 127, and says so.
 */
export function start(argv: Argv, { tie, env, cwd, stdio = [], apart = false }: StartOptions): Started {
  const [program, ...args] = tie === 'free' ? argv : boundToUs(argv, tie);
  const child = spawn(program, args, {
    ...{ cwd, env: definedOnly(env), detached: apart },
    stdio: Array.from({ length: Math.max(3, stdio.length) }, (_, descriptor) => {
      const wanted = stdio[descriptor] ?? 'ignore';
      return wanted instanceof Uint8Array ? 'pipe' : wanted;
    }),
  });
  for (const [descriptor, bytes] of stdio.entries()) {
    if (child.pid === undefined || !(bytes instanceof Uint8Array)) continue;
    // It may end without having read everything; its exit code tells what that means.
    (child.stdio[descriptor] as Duplex).on('error', () => {}).end(bytes);
  }
  const failed = new Promise<never>((_, reject) => {
    // A signal that may not be sent is an error, too, and ends nothing.
    child.on('error', (cause) => {
      if (child.pid === undefined) reject(tie === 'free' ? cause : notStarted(argv[0], cause));
    });
  });
  const when = (event: 'spawn' | 'exit' | 'close'): Promise<ProcessEnd> => {
    const happened = new Promise<ProcessEnd>((resolve) => {
      child.once(event, (code: number | null = null, signal: NodeJS.Signals | null = null) =>
        resolve({ code, signal }),
      );
    });
    const outcome = Promise.race([failed, happened]);
    outcome.catch(() => {});
    return outcome;
  };
  const { pid = 0 } = child;
  return {
    ...{ pid, begun: when('spawn'), ended: when('exit'), closed: when('close') },
    pipe: (descriptor) => child.stdio[descriptor] as Duplex,
    signal: (signal) => void child.kill(signal),
    signalAll: (signal) => (apart ? signalGroup(pid, signal) : void child.kill(signal)),
    abandon: () => {
      if (child.pid === undefined) return;
      child.unref();
      for (const stream of child.stdio) stream?.destroy();
    },
  };
}

/** The words that start a program which ends with this process. */
export function boundToUs(argv: Argv, tie: Exclude<Tie, 'free'> = 'shielded'): Argv {
  return [boundProgram, ...(tie === 'bound' ? ['--open'] : []), String(process.pid), ...argv];
}

/** Also when its leader has ended: whoever still holds the pipes belongs to it. What has become another user's is not ours to end. */
function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    if (leader > 0) process.kill(-leader, signal);
  } catch (error) {
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

function notStarted(program: string, cause: Error): VtorqueError {
  return new VtorqueError('E_SPAWN', `Cannot start "${program}": "${boundProgram}" did not start`, {
    hint: 'Set the installation up again: npm run setup',
    cause,
  });
}
