import type { Env } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import { CommandError, type CommandResult } from './command.ts';
import { eachJob } from './each-job.ts';
import { getopt } from './getopt.ts';

const USAGE = 'usage: qrerun [-f] job_identifier...';

/** `qrerun [-f] job...`: running jobs go back to the queue; -f also those that were submitted with -r n. */
export async function qrerun(args: readonly string[], env: Env): Promise<CommandResult> {
  const options = getopt('qrerun', args, 'f', USAGE);
  if (options.operands.length === 0) throw new CommandError(USAGE, 2);
  return eachJob('qrerun', options.operands, env, (id) => request(env, { op: 'rerun', id, force: options.has('f') }));
}
