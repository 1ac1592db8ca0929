import { realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { type Env, shortName } from '../../base/index.ts';
import { currentDirectory, isDirectory, namedDirectory } from '../../engine/directories.ts';
import type { Submission } from '../../engine/embedded/job.ts';
import {
  type EffectiveOptions,
  originVariables,
  parseAttribute,
  parseVariables,
  type QsubOption,
  qsubError,
  qsubUsageError,
} from '../../pbs/index.ts';
import { CommandError } from './command.ts';

export interface SubmissionInput {
  readonly args: readonly string[];
  readonly options: EffectiveOptions;
  /** All options in the order in which qsub acts on them: those of the script first. */
  readonly inOrder: readonly QsubOption[];
  readonly scriptName: string;
  readonly env: Env;
}

/**
 * What qsub hands in, from its options and its surroundings.
 * @throws VtorqueError `E_QSUB` in qsub's words, CommandError for what this batch system has not
 */
export function composeSubmission({ args, options, inOrder, scriptName, env }: SubmissionInput): Submission {
  const { initDir, here, output, error } = directoriesOf(inOrder, env);
  const workDir = workingDirectory(options.value('w'), here);
  const queue = queueName(options.value('q') ?? '');
  const host = shortName(hostname()) || 'localhost';
  const join = (options.value('j') ?? 'n') as Submission['join'];
  const keep = (options.value('k') ?? 'n') as Submission['keep'] | 'eo';
  return {
    name: (options.value('N') ?? scriptName) || 'none',
    resources: [...options.resources],
    queue,
    output: join === 'eo' ? (error ?? output) : output,
    error: join === 'oe' ? (output ?? error) : error,
    join,
    keep: keep === 'eo' ? 'oe' : keep,
    hold: options.has('h'),
    // A list may name a shell per host; there is one host.
    shell: options.value('S')?.split(',')[0]?.replace(/@.*/, ''),
    args: options.value('F') || undefined,
    array: options.value('t')?.replace(/,$/, '') || undefined,
    account: options.value('A'),
    jobType: options.value('T') || undefined,
    umask: umaskOf([...inOrder].reverse()),
    depend: dependOf([...inOrder].reverse()),
    killDelay: killDelayOf(options.value('K')),
    rerunable: options.value('r') !== 'n',
    variables: variablesOf(options, { env, queue: queue || 'batch', initDir, workDir, host }),
    workDir,
    initDir,
    submitArgs: args.join(' '),
    submitHost: host,
  };
}

function workingDirectory(asked: string | undefined, cwd: string): string {
  if (asked === undefined) return cwd;
  const path = resolve(cwd, asked);
  if (asked !== '' && isDirectory(path)) return path;
  throw qsubError(
    `qsub: Requested working directory '${asked}' is not a valid directory\nPlease specify a valid working directory.`,
    3,
  );
}

interface Directories {
  readonly initDir?: string;
  /** Where qsub is in the end: it goes into each directory of -d. Without symbolic links: that becomes PBS_O_WORKDIR. */
  readonly here: string;
  readonly output?: string | undefined;
  readonly error?: string | undefined;
}

/** Paths of -o and -e count from where qsub is when it reads them. */
function directoriesOf(inOrder: readonly QsubOption[], env: Env): Directories {
  let found: Directories = { here: currentDirectory() };
  let named = namedDirectory(env);
  for (const { name, value } of inOrder) {
    if (value === undefined) continue;
    if (name === 'd') {
      const initDir = resolve(found.here, value);
      if (value === '' || !isDirectory(initDir)) throw qsubUsageError('qsub: illegal -d value');
      named = realpathSync(initDir);
      found = { ...found, initDir, here: named };
    } else if (name === 'o') {
      found = { ...found, output: outputPath(value, named) };
    } else if (name === 'e') {
      found = { ...found, error: outputPath(value, named) };
    }
  }
  return found;
}

/** `path`, or `host:path` as long as the host is this one. */
export function outputPath(asked: string, directory: string, command = 'qsub'): string | undefined {
  const [, host, path = asked] = /^([\w.-]*):(.*)$/s.exec(asked) ?? [];
  if (host !== undefined && !isThisHost(host)) {
    throw new CommandError(`${command}: output to host "${host}" is not available in the embedded batch system`, 1);
  }
  if (path === '') return undefined;
  // Not resolve(): a slash at the end says that a directory is meant.
  const whole =
    path.startsWith('/') || /^\$\{?(HOME|PBS_O_HOME|PBS_O_WORKDIR)\b/.test(path) ? path : `${directory}/${path}`;
  return host === undefined && !whole.endsWith('/') && isDirectory(whole) ? `${whole}/` : whole;
}

function isThisHost(host: string): boolean {
  return ['', 'localhost', '127.0.0.1', hostname(), shortName(hostname())].includes(host);
}

/** `queue`, `@server` or `queue@server`; empty: the default queue. */
function queueName(destination: string): string {
  const [, queue = '', server] = /^(\s*[^\s#@]{0,15})(?:@([^\s#@]+))?$/.exec(destination) ?? [];
  if (queue === '' && server === undefined && destination.trim() !== '') {
    throw qsubError(`qsub: illegally formed destination: ${destination}`, 2, 'Write QUEUE, @SERVER or QUEUE@SERVER');
  }
  if (server !== undefined && !isThisHost(server)) {
    throw new CommandError(
      `Can not resolve name for server ${server}. (rc = -2 - )\nCannot resolve specified server host '${server}'.\n` +
        `qsub: cannot connect to server ${server} (errno=15010) Access from host not allowed, or unknown host`,
      162,
    );
  }
  return queue;
}

/** The first one's text of -W depend=. */
function dependOf(attributes: readonly QsubOption[]): string | undefined {
  return attributes
    .flatMap(({ name, value = '' }) => (name === 'W' && value.trim() !== '' ? [parseAttribute(value)] : []))
    .find(({ name }) => name === 'depend')?.value;
}

/** The digits of -W umask=, octal with a zero in front, decimal without; undefined: none was given. */
function umaskOf(attributes: readonly QsubOption[]): string | undefined {
  const values = attributes.flatMap(({ name, value = '' }) => {
    if (name !== 'W' || value.trim() === '') return [];
    const attribute = parseAttribute(value);
    return attribute.name === 'umask' ? [attribute.value] : [];
  });
  // The command line's options come first, and they win.
  const [text] = values;
  return text === undefined ? undefined : umaskDigits(text);
}

/** The octal digits of a mask. @throws CommandError in the words of Torque's server */
export function umaskDigits(text: string): string {
  const mask = /^\d+$/.test(text) ? Number.parseInt(text, text.startsWith('0') ? 8 : 10) : Number.NaN;
  if (Number.isNaN(mask)) throw serverRefuses('umask');
  return (mask & 0o777).toString(8);
}

function killDelayOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw serverRefuses('user_kill_delay');
  return Number(text);
}

/** In the words of Torque's server. */
function serverRefuses(attribute: string): CommandError {
  return new CommandError(`qsub: submit error (Illegal attribute or resource value for ${attribute})`, 168);
}

interface Surroundings {
  readonly env: Env;
  readonly queue: string;
  readonly initDir: string | undefined;
  readonly workDir: string;
  readonly host: string;
}

/** The job's variables in Torque's order. */
function variablesOf(
  options: EffectiveOptions,
  { env, queue, initDir, workDir, host }: Surroundings,
): [string, string][] {
  const whole = options.has('V')
    ? Object.entries(env).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]))
    : [];
  const list = options.value('v');
  const named = list === undefined ? [] : parseVariables(list, env);
  return [
    ...new Map([
      ['PBS_O_QUEUE', queue] as const,
      ...originVariables(env),
      ...whole,
      ...named,
      ...(initDir === undefined ? [] : [['PBS_O_INITDIR', initDir] as const]),
      ['PBS_O_WORKDIR', workDir] as const,
      ['PBS_O_HOST', host] as const,
      ['PBS_O_SERVER', host] as const,
    ]),
  ];
}
