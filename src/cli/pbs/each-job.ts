import type { Env } from '../../base/index.ts';
import { PBSE, PbsError } from '../../engine/embedded/protocol.ts';
import { parseJobId } from '../../pbs/index.ts';
import { CommandError, type CommandResult, exitCodeOf } from './command.ts';
import { serverName } from './server-name.ts';

/**
 * Do something with each job that a command names. One that fails does not keep the others from it; the exit code is the
 * last failure's.
 * @param unknown what the command says about a job that is not there; Torque's commands differ
 */
export async function eachJob(
  command: string,
  ids: readonly string[],
  env: Env,
  act: (id: string) => Promise<unknown>,
  unknown?: (id: string) => string,
): Promise<CommandResult> {
  const stderr: string[] = [];
  let exitCode = 0;
  for (const id of ids) {
    try {
      if (parseJobId(id) === undefined) throw new CommandError(`${command}: illegally formed job identifier: ${id}`, 1);
      await act(id);
    } catch (error) {
      if (error instanceof CommandError) {
        stderr.push(error.message);
        exitCode = error.exitCode;
      } else if (error instanceof PbsError) {
        const own = error.code === PBSE.UNKJOBID ? unknown?.(id) : undefined;
        stderr.push(own ?? `${command}: ${error.message} ${await fullId(id, env)}`);
        exitCode = exitCodeOf(error.code);
      } else {
        throw error;
      }
    }
  }
  return { stderr: stderr.map((line) => `${line}\n`).join(''), exitCode };
}

async function fullId(id: string, env: Env): Promise<string> {
  return id.includes('.') ? id : `${id}.${await serverName(env)}`;
}
