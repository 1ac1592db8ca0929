import type { Env } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import {
  type JobView,
  PBSE,
  type QueueView,
  type ServerReply,
  type StatusReply,
} from '../../engine/embedded/protocol.ts';
import { parseJobId } from '../../pbs/index.ts';
import { CommandError, type CommandResult, exitCodeOf, notAvailable } from './command.ts';
import { getopt, type Options } from './getopt.ts';
import { formatFull, formatXml } from './qstat-full.ts';
import { formatPlain, formatWide } from './qstat-table.ts';

const USAGE =
  'usage: \nqstat [-f] [-1] [-W site_specific] [-x] [ job_identifier... | destination... ]\n' +
  'qstat [-a|-i|-r|-e] [-u user] [-n [-1]] [-s] [-t] [-G|-M] [-R] [job_id... | destination...]';

/** `qstat`: jobs, or with -q, -Q and -B queues and the server. */
export async function qstat(args: readonly string[], env: Env): Promise<CommandResult> {
  const options = getopt('qstat', args, '1aBcCeEfFGilMnPqQrRstu:W:x', USAGE);
  for (const letter of 'cCEFGlMPRsW') if (options.has(letter)) throw notAvailable('qstat', `-${letter}`);
  if (['B', 'q', 'Q'].some((letter) => options.has(letter))) return showQueues(options, env);
  const ids = options.operands.filter((operand) => parseJobId(operand) !== undefined);
  const queues = options.operands.filter((operand) => parseJobId(operand) === undefined);
  if (queues.length > 0) await chosenQueues(queues, env);
  const full = options.has('f') || options.has('x');
  const status = await request<StatusReply>(env, {
    op: 'status',
    full,
    elements: options.has('t') || options.has('e'),
    // Of queues all jobs are looked through.
    ...(ids.length === 0 || queues.length > 0 ? {} : { ids }),
  });
  const inQueue = ({ queue }: JobView): boolean => queues.length === 0 || queues.includes(queue);
  const shown = { ...status, jobs: status.jobs.filter((job) => isWanted(job, options) && inQueue(job)) };
  const stderr = status.unknown
    .map((id) => `qstat: Unknown Job Id Error ${id.includes('.') ? id : `${id}.${status.server}`}\n`)
    .join('');
  return { stdout: print(shown, options), stderr, exitCode: status.unknown.length > 0 ? exitCodeOf(PBSE.UNKJOBID) : 0 };
}

async function showQueues(options: Options, env: Env): Promise<CommandResult> {
  const { formatLimits, formatQueues, formatQueuesFull, formatServer, formatServerFull } = await import(
    './qstat-queues.ts'
  );
  const { reply, queues } = await chosenQueues(options.operands, env);
  const full = options.has('f');
  if (options.has('B')) return { stdout: full ? formatServerFull(reply) : formatServer(reply), exitCode: 0 };
  if (options.has('q')) return { stdout: formatLimits(reply, queues), exitCode: 0 };
  return { stdout: full ? formatQueuesFull(reply, queues) : formatQueues(queues), exitCode: 0 };
}

/** The queues that the operands name; all without any. */
async function chosenQueues(
  names: readonly string[],
  env: Env,
): Promise<{ reply: ServerReply; queues: readonly QueueView[] }> {
  const reply = await request<ServerReply>(env, { op: 'server' });
  if (names.length === 0) return { reply, queues: reply.queues };
  const queues = names.map((name) => {
    const queue = reply.queues.find((one) => one.name === name);
    if (queue === undefined) throw unknownOperand(name);
    return queue;
  });
  return { reply, queues };
}

function print(status: StatusReply, options: Options): string {
  if (options.has('x')) return formatXml(status);
  if (options.has('f')) return formatFull(status, options.has('1'));
  const wide = ['a', 'n', 'r', 'i', 'u'].some((letter) => options.has(letter));
  return wide ? formatWide(status, { nodes: options.has('n'), oneLine: options.has('1') }) : formatPlain(status);
}

function isWanted({ state, owner }: JobView, options: Options): boolean {
  const users = options
    .value('u')
    ?.split(',')
    .map((user) => user.replace(/@.*/, ''));
  if (users !== undefined && !users.includes(owner)) return false;
  if (options.has('r') && state !== 'R') return false;
  return !options.has('i') || state === 'Q' || state === 'H';
}

function unknownOperand(operand: string): CommandError {
  if (operand.includes('@')) return notAvailable('qstat', `another server ("${operand}")`);
  if (/^\d/.test(operand)) return new CommandError(`qstat: illegally formed job identifier: ${operand}`, 1);
  return new CommandError(`qstat: Unknown queue MSG=cannot locate queue ${operand}`, exitCodeOf(PBSE.UNKQUE));
}
