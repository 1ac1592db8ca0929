import { request } from '../../engine/embedded/client.ts';
import { type JobView, PBSE, type StatusReply } from '../../engine/embedded/protocol.ts';
import { parseJobId } from '../../pbs/index.ts';
import { CommandError, type CommandResult, type Env, exitCodeOf, notAvailable } from './command.ts';
import { getopt, type Options } from './getopt.ts';
import { formatFull, formatXml } from './qstat-full.ts';
import { formatPlain, formatWide } from './qstat-table.ts';

const USAGE =
  'usage: \nqstat [-f] [-1] [-W site_specific] [-x] [ job_identifier... | destination... ]\n' +
  'qstat [-a|-i|-r|-e] [-u user] [-n [-1]] [-s] [-t] [-G|-M] [-R] [job_id... | destination...]';

/** `qstat`, in the forms that list jobs. */
export async function qstat(args: readonly string[], env: Env): Promise<CommandResult> {
  const options = getopt('qstat', args, '1aBcCeEfFGilMnPqQrRstu:W:x', USAGE);
  for (const letter of 'BcCEFGlMPqQRsW') if (options.has(letter)) throw notAvailable('qstat', `-${letter}`);
  const badId = options.operands.find((id) => parseJobId(id) === undefined);
  if (badId !== undefined) throw unknownOperand(badId);
  const full = options.has('f') || options.has('x');
  const status = await request<StatusReply>(env, {
    op: 'status',
    full,
    elements: options.has('t'),
    ...(options.operands.length === 0 ? {} : { ids: options.operands }),
  });
  const shown = { ...status, jobs: status.jobs.filter((job) => isWanted(job, options)) };
  const stderr = status.unknown
    .map((id) => `qstat: Unknown Job Id Error ${id.includes('.') ? id : `${id}.${status.server}`}\n`)
    .join('');
  return { stdout: print(shown, options), stderr, exitCode: status.unknown.length > 0 ? exitCodeOf(PBSE.UNKJOBID) : 0 };
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
  if (operand.startsWith('@')) return notAvailable('qstat', `another server ("${operand}")`);
  if (/^\d/.test(operand)) return new CommandError(`qstat: illegally formed job identifier: ${operand}`, 1);
  return notAvailable('qstat', `a queue as an argument ("${operand}")`);
}
