import { type Env, VtorqueError } from '../../base/index.ts';
import { namedDirectory } from '../../engine/directories.ts';
import { request } from '../../engine/embedded/client.ts';
import type { Alteration } from '../../engine/embedded/protocol.ts';
import { checkOptionValue, parseAttribute, parseResourceList, parseVariables } from '../../pbs/index.ts';
import { CommandError, type CommandResult, notAvailable } from './command.ts';
import { checkDepend } from './depend-option.ts';
import { eachJob } from './each-job.ts';
import { getopt, type Options } from './getopt.ts';
import { isHoldList } from './qhold.ts';
import { outputPath, umaskDigits } from './qsub-submission.ts';

const OPTIONS = 'a:A:c:e:h:j:k:l:m:M:nN:o:p:qr:S:t:u:v:W:x:';

const USAGE =
  'usage: qalter [-a date_time] [-A account_string] [-c interval] [-e path] [-h hold_list] [-j y|n] [-k keep] [-l resource_list]\n' +
  '              [-m mail_options] [-M user_list] [-n] [-N jobname] [-o path] [-p priority] [-q] [-r y|n] [-S path]\n' +
  '              [-t array_range%slot_limit] [-u user_list] [-v variable_list] [-W dependency_list] [-x exec_host]\n' +
  '              job_identifier...';

/** `qalter [options] job...`: change jobs that wait; of those that run, managers may change the time limit. */
export async function qalter(args: readonly string[], env: Env): Promise<CommandResult> {
  const options = getopt('qalter', args, OPTIONS, USAGE);
  for (const letter of 'acmMnpqux') if (options.has(letter)) throw notAvailable('qalter', `-${letter}`);
  if (options.operands.length === 0) throw new CommandError(USAGE, 2);
  const change = inOwnWords(() => alterationOf(options, env));
  const elements = options.value('t')?.replace(/%.*/, '');
  return eachJob('qalter', options.operands, env, (id) =>
    request(env, { op: 'alter', id, change, ...(elements ? { elements } : {}) }),
  );
}

/** What options of qsub are worth is checked by qsub's rules, whose errors name qsub. */
function inOwnWords<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof CommandError)
      throw new CommandError(error.message.replace(/^qsub: submit error \((.*)\)$/s, 'qalter: $1'), error.exitCode);
    if (!(error instanceof VtorqueError) || error.code !== 'E_QSUB') throw error;
    const text = error.message.replace(/^\[?qsub: (.*?)\]?$/s, '$1');
    throw new CommandError(`qalter: ${text}\n${USAGE}`, 2);
  }
}

function alterationOf(options: Options, env: Env): Alteration {
  for (const letter of 'AejkNorS') {
    const value = options.value(letter);
    if (value !== undefined) checkOptionValue(letter, value);
  }
  const list = options.value('v');
  const given: { [K in keyof Alteration]?: Alteration[K] | undefined } = {
    name: options.value('N'),
    account: options.value('A'),
    join: options.value('j') as Alteration['join'],
    keep: options.value('k')?.replace('eo', 'oe') as Alteration['keep'],
    output: pathOf(options.value('o'), env),
    error: pathOf(options.value('e'), env),
    shell: options.value('S')?.split(',')[0]?.replace(/@.*/, ''),
    rerunable: options.has('r') ? options.value('r') === 'y' : undefined,
    resources: options.has('l') ? options.values('l').flatMap(parseResourceList).map(pair) : undefined,
    variables: list === undefined ? undefined : [...parseVariables(list, env)],
    holds: holdsOf(options.value('h')),
    slotLimit: slotLimitOf(options.value('t')),
    ...attributesOf(options.values('W')),
  };
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  if (present.length === 0) throw new CommandError(USAGE, 2);
  return Object.fromEntries(present);
}

function pathOf(asked: string | undefined, env: Env): string | undefined {
  return asked === undefined ? undefined : outputPath(asked, namedDirectory(env), 'qalter');
}

function pair({ name, value }: { readonly name: string; readonly value: string }): [string, string] {
  return [name, value];
}

function holdsOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!isHoldList(text)) throw new CommandError(`qalter: illegal -h value\n${USAGE}`, 2);
  return text === 'n' ? '' : text;
}

/** The number behind the percent sign. */
function slotLimitOf(range: string | undefined): number | undefined {
  const [, digits] = /%(.*)$/s.exec(range ?? '') ?? [];
  if (digits === undefined) return undefined;
  if (!/^\d{1,6}$/.test(digits)) throw new CommandError(`qalter: illegal -t value\n${USAGE}`, 2);
  return Number(digits);
}

function attributesOf(texts: readonly string[]): Pick<Alteration, 'umask' | 'depend'> {
  return Object.assign(
    {},
    ...texts.map((text) => {
      const { name, value } = parseAttribute(text);
      if (name === 'umask') return { umask: umaskDigits(value) };
      if (name === 'depend') return { depend: checkDepend('qalter', value) };
      throw notAvailable('qalter', `-W ${name}`);
    }),
  );
}
