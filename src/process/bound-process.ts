import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex, Readable } from 'node:stream';
import { type Phase, VtorqueError, within } from '../base/index.ts';
import { orLeft } from './left.ts';
import { boundProgram } from './native/build.ts';
import { Tail } from './tail.ts';

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** It has not ended at all: see `orLeft`. */
  readonly left?: true;
}

/** In words: `with exit code 1`, `by SIGKILL`. */
export function describeEnd({ code, signal, left }: ProcessEnd): string {
  if (left) return 'not even by SIGKILL';
  return signal === null ? `with exit code ${code}` : `by ${signal}`;
}

/** A child that the kernel kills when this process dies, with a socket pair for each further descriptor from 3 on. */
export interface BoundProcess {
  readonly pid: number;
  /** Our ends of descriptors 3, 4, ... of the child. */
  readonly sockets: readonly Duplex[];
  readonly stderr: Tail;
  readonly ended: Promise<ProcessEnd>;
  /** Kill it; returns when it is reaped, or is left. */
  kill(): Promise<ProcessEnd>;
}

export interface BoundSpawn {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the child gets as descriptors 3, 4, ...: a socket pair with us, or a descriptor of ours. */
  readonly descriptors: readonly ('pipe' | number)[];
  /** What the program is for, for the error when it cannot be started; a machine unless told. */
  readonly phase?: Phase;
  /** How long a kill may take, in milliseconds; as `orLeft` has it unless told. */
  readonly killedWithinMs?: number;
}

/**
 * Start a program that cannot outlive this process, and that only KILL reaches of what a batch system sends to all
 * processes of a job. It is this process that acts on the others: a machine that ended at TERM by itself would leave the
 * script in it no time for its trap.
 * @throws VtorqueError `E_SPAWN` when the program cannot be started
 */
export async function spawnBound({
  program,
  args,
  env,
  descriptors,
  phase = 'vm-start',
  killedWithinMs,
}: BoundSpawn): Promise<BoundProcess> {
  const child = spawn(boundProgram, [String(process.pid), program, ...args], {
    env,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe', ...descriptors],
  });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new VtorqueError('E_SPAWN', `Cannot start "${program}": "${boundProgram}" did not start`, {
      hint: 'Set the installation up again: npm run setup',
      phase,
      cause,
    });
  }
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as ProcessEnd);
  const sockets = descriptors.flatMap((kind, index) => (kind === 'pipe' ? [child.stdio[index + 3] as Duplex] : []));
  let killed: Promise<ProcessEnd> | undefined;
  return {
    pid: child.pid ?? 0,
    sockets,
    stderr: new Tail(child.stderr as Readable),
    ended,
    kill: () => {
      child.kill('SIGKILL');
      killed ??= orLeft(child, program, ended, killedWithinMs).then(
        (end) => end ?? { code: null, signal: null, left: true },
      );
      return killed;
    },
  };
}

/** The end of a child that ends by itself. It is killed when the time is over, or the signal is aborted. */
export async function endWithin(child: BoundProcess, ms: number, signal?: AbortSignal): Promise<ProcessEnd> {
  const late = (): Error => new Error('late');
  return within(child.ended, { ms, signal, late }).catch(() => child.kill());
}
