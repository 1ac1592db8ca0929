import type { Duplex } from 'node:stream';
import { type Env, type Phase, VtorqueError } from '../base/index.ts';
import { orLeft } from './left.ts';
import { type ProcessEnd, start } from './start.ts';
import { Tail } from './tail.ts';

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
  readonly env: Env;
  /** What the child gets as descriptors 3, 4, ...: a socket pair with us, or a descriptor of ours. */
  readonly descriptors: readonly ('pipe' | number)[];
  /** What the program is for, for the error when it cannot be started; a machine unless told. */
  readonly phase?: Phase;
  /** How long a kill may take, in milliseconds; as `orLeft` has it unless told. */
  readonly killedWithinMs?: number;
}

/**
 * Start a program that runs beside us, cannot outlive us, and that only KILL reaches of what a batch system sends to all
 * processes of a job. It is this process that acts on the others: a machine that ended at TERM by itself would leave the
 * script in it no time for its trap.
 * @throws VtorqueError `E_SPAWN` when the program cannot be started
 */
export async function spawnBound(spawn: BoundSpawn): Promise<BoundProcess> {
  const { program, args, env, descriptors, phase = 'vm-start', killedWithinMs } = spawn;
  const child = start([program, ...args], {
    ...{ tie: 'shielded', env, cwd: '/', stdio: ['ignore', 'ignore', 'pipe', ...descriptors] },
  });
  await child.begun.catch((error: unknown) => {
    throw error instanceof VtorqueError ? error.with({ phase }) : error;
  });
  let killed: Promise<ProcessEnd> | undefined;
  return {
    pid: child.pid,
    sockets: descriptors.flatMap((kind, index) => (kind === 'pipe' ? [child.pipe(index + 3)] : [])),
    stderr: new Tail(child.pipe(2)),
    ended: child.ended,
    kill: () => {
      child.signal('SIGKILL');
      killed ??= orLeft(child, program, killedWithinMs);
      return killed;
    },
  };
}
