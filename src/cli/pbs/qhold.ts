import type { Env } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import { CommandError, type CommandResult, type PbsCommand } from './command.ts';
import { eachJob } from './each-job.ts';
import { getopt } from './getopt.ts';

/** `qhold [-h u] [-t elements] job...` */
export const qhold: PbsCommand = (args, env) => changeHold('qhold', 'hold', args, env);

/** `qrls [-h u] [-t elements] job...` */
export const qrls: PbsCommand = (args, env) => changeHold('qrls', 'release', args, env);

/** Letters of `uos`, or `n` for none. */
export function isHoldList(text: string): boolean {
  return /^([uos]+|n)$/.test(text);
}

async function changeHold(
  command: string,
  op: 'hold' | 'release',
  args: readonly string[],
  env: Env,
): Promise<CommandResult> {
  const usage = `usage: ${command} [-h hold_list] [-t array_range] job_identifier...`;
  const options = getopt(command, args, 'h:t:', usage);
  const kind = options.value('h') ?? 'u';
  if (!isHoldList(kind)) throw new CommandError(`${command}: illegal -h value\n${usage}`, 2);
  const holds = kind === 'n' ? '' : kind;
  if (options.operands.length === 0) throw new CommandError(usage, 2);
  const elements = options.value('t');
  return eachJob(command, options.operands, env, (id) =>
    request(env, { op, id, holds, ...(elements === undefined ? {} : { elements }) }),
  );
}
