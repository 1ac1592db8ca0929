import { type Env, VtorqueError } from '../base/index.ts';
import { run } from '../process/index.ts';

/** How long a server may take to answer: one that starts jobs can be slow. */
const ANSWER_MS = 30_000;
/** It may have to tell a server that it goes. */
const GRACE_MS = 500;

export interface CommandAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Run a command of the batch system to its end. It reads nothing.
 * @param action for the error: `ask for the state of jobs`
 * @throws VtorqueError `E_ENGINE` when it cannot be started or does not end by itself in time
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  env: Env,
  action: string,
  timeoutMs: number = ANSWER_MS,
): Promise<CommandAnswer> {
  // It has alarms of its own, which must reach it.
  const ran = await run([program, ...args], { env, withinMs: timeoutMs, graceMs: GRACE_MS });
  if (ran.missing) throw engineError(action, `there is no "${program}"`);
  if (ran.stopped) throw engineError(action, `"${program}" has not answered: ${ran.ending}`);
  if (ran.code === null) throw engineError(action, `"${program}" was ended by ${ran.signal}`);
  return { code: ran.code, stdout: ran.stdout.toString(), stderr: ran.stderr };
}

/** @param why in the words of the batch system, where it has any */
export function engineError(action: string, why: string, cause?: unknown): VtorqueError {
  const [first = '', ...more] = why
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return new VtorqueError('E_ENGINE', `Cannot ${action}: ${first || 'the batch system does not say why'}`, {
    details: more,
    cause,
  });
}
