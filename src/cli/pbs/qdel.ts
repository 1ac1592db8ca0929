import type { Env } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import type { StatusReply } from '../../engine/embedded/protocol.ts';
import { CommandError, type CommandResult, notAvailable } from './command.ts';
import { eachJob } from './each-job.ts';
import { getopt } from './getopt.ts';

const USAGE =
  "usage: qdel [{ -a | -c | -p | -t | -W delay | -m message}] [<JOBID>[<JOBID>]|'all'|'ALL']...\n" +
  '    -a -c, -m, -p, -t, and -W are mutually exclusive';

/** `qdel [-t elements] [-W delay] job...`, or `qdel all` for all that are one's own. */
export async function qdel(args: readonly string[], env: Env): Promise<CommandResult> {
  const options = getopt('qdel', args, 'acm:pt:W:', USAGE);
  for (const letter of ['a', 'c', 'm', 'p']) if (options.has(letter)) throw notAvailable('qdel', `-${letter}`);
  if (options.operands.length === 0) throw new CommandError(USAGE, 2);
  const delay = options.value('W');
  if (delay !== undefined && !/^\d{1,6}$/.test(delay)) throw new CommandError(`qdel: illegal -W value\n${USAGE}`, 2);
  const elements = options.value('t');
  const all = options.operands.some((id) => id === 'all' || id === 'ALL');
  return eachJob(
    'qdel',
    all ? await ownJobs(env) : options.operands,
    env,
    (id) =>
      request(env, {
        op: 'delete',
        id,
        ...(elements === undefined ? {} : { elements }),
        ...(delay === undefined ? {} : { delayMs: Number(delay) * 1000 }),
      }),
    (id) => `qdel: nonexistent job id: ${id}`,
  );
}

async function ownJobs(env: Env): Promise<string[]> {
  const { jobs } = await request<StatusReply>(env, { op: 'status' });
  return jobs.filter(({ state, mine }) => state !== 'C' && mine).map(({ id }) => id);
}
