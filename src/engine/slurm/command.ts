import { type Env, VtorqueError } from '../../base/index.ts';
import { type CommandAnswer, runCommand } from '../run-command.ts';

export interface SlurmCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Env;
}

/** Milliseconds. A controller that is busy takes some seconds. */
const ANSWER_MS = 60_000;

/**
 * Run one of Slurm's commands to its end.
 * @throws VtorqueError `E_ENGINE` when it is not there or does not end in time
 */
export function runSlurm({ program, args, env }: SlurmCommand): Promise<CommandAnswer> {
  return runCommand(program, args, env, `ask Slurm with "${program}"`, ANSWER_MS).catch((error: unknown) => {
    if (!(error instanceof VtorqueError)) throw error;
    throw error.with({ hint: 'See whether the controller runs: scontrol ping', phase: 'check' });
  });
}

/** @throws VtorqueError `E_ENGINE` in Slurm's words */
export async function askSlurm(command: SlurmCommand): Promise<string> {
  const { code, stdout, stderr } = await runSlurm(command);
  if (code === 0) return stdout;
  throw refused(command.program, stderr);
}

export function refused(program: string, stderr: string): VtorqueError {
  const words = stderr.trim().replaceAll(`${program}: error: `, '').split('\n');
  return new VtorqueError('E_ENGINE', `Cannot go on: Slurm says "${words[0] ?? ''}"`, {
    phase: 'check',
    details: words.slice(1),
  });
}
