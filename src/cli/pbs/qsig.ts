import { constants } from 'node:os';
import type { Env } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import { PBSE, PbsError } from '../../engine/embedded/protocol.ts';
import { CommandError, type CommandResult, notAvailable } from './command.ts';
import { eachJob } from './each-job.ts';
import { getopt } from './getopt.ts';

const USAGE = 'usage: qsig [-a] [-s signal] job_identifier...';
const MAX_SIGNAL = 64;

/** `qsig [-s signal] job...`: to all processes of the job's session. */
export async function qsig(args: readonly string[], env: Env): Promise<CommandResult> {
  const options = getopt('qsig', args, 'as:', USAGE);
  if (options.has('a')) throw notAvailable('qsig', '-a');
  if (options.operands.length === 0) throw new CommandError(USAGE, 2);
  const name = options.value('s') ?? 'SIGTERM';
  if (['suspend', 'resume'].includes(name)) throw notAvailable('qsig', `-s ${name}`);
  const signal = signalNumber(name);
  return eachJob('qsig', options.operands, env, (id) => {
    if (signal === undefined) throw new PbsError(PBSE.UNKSIG, 'Unknown/illegal signal name');
    return request(env, { op: 'signal', id, signal });
  });
}

/** `USR1`, `SIGUSR1`, `10`; `SIGNULL` only asks whether there is a process. */
export function signalNumber(name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name) <= MAX_SIGNAL ? Number(name) : undefined;
  const full = name.startsWith('SIG') ? name : `SIG${name}`;
  if (full === 'SIGNULL') return 0;
  return Object.hasOwn(constants.signals, full) ? Reflect.get(constants.signals, full) : undefined;
}
