import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Submission } from '../../engine/embedded/job.ts';
import {
  type EffectiveOptions,
  parseAttribute,
  parseVariables,
  type QsubOption,
  qsubError,
  qsubUsageError,
} from '../../pbs/index.ts';
import { currentDirectory } from '../current-directory.ts';
import { CommandError, type Env } from './command.ts';

export interface SubmissionInput {
  readonly args: readonly string[];
  readonly options: EffectiveOptions;
  /** All options: -W may be given several times, for several attributes. */
  readonly attributes: readonly QsubOption[];
  readonly scriptName: string;
  readonly env: Env;
}

/**
 * What qsub hands in, from its options and its surroundings.
 * @throws VtorqueError `E_QSUB` in qsub's words, CommandError for what this batch system has not
 */
export function composeSubmission({ args, options, attributes, scriptName, env }: SubmissionInput): Submission {
  const cwd = namedDirectory(env);
  const workDir = workingDirectory(options.value('w'), cwd);
  const initDir = initialDirectory(options.value('d'), cwd);
  const path = (letter: string): string | undefined => outputPath(options.value(letter), initDir ?? workDir);
  const queue = queueName(options.value('q') ?? '');
  const host = shortName(hostname());
  const killDelay = options.value('K');
  const keep = (options.value('k') ?? 'n') as Submission['keep'] | 'eo';
  return {
    name: options.value('N') || scriptName,
    resources: [...options.resources],
    queue,
    output: path('o'),
    error: path('e'),
    join: (options.value('j') ?? 'n') as Submission['join'],
    keep: keep === 'eo' ? 'oe' : keep,
    hold: options.has('h'),
    // A list may name a shell per host; there is one host.
    shell: options.value('S')?.split(',')[0]?.replace(/@.*/, ''),
    args: options.value('F'),
    array: options.value('t'),
    account: options.value('A'),
    jobType: options.value('T') || undefined,
    umask: umaskOf(attributes),
    depend: dependOf(attributes),
    killDelay: killDelay === undefined ? undefined : Number.parseInt(killDelay, 10),
    rerunable: options.value('r') !== 'n',
    variables: variablesOf(options, { env, queue: queue || 'batch', workDir, host }),
    workDir,
    initDir,
    submitArgs: args.join(' '),
    submitHost: host,
  };
}

/** The working directory under the name that the user knows it by. */
export function namedDirectory({ PWD }: Env): string {
  const real = currentDirectory();
  if (!PWD?.startsWith('/')) return real;
  const [named, here] = [statSync(PWD, { throwIfNoEntry: false }), statSync(real, { throwIfNoEntry: false })];
  return named !== undefined && named.ino === here?.ino && named.dev === here.dev ? PWD : real;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function workingDirectory(asked: string | undefined, cwd: string): string {
  if (asked === undefined) return cwd;
  const path = resolve(cwd, asked);
  if (isDirectory(path)) return path;
  throw qsubError(
    `qsub: Requested working directory '${asked}' is not a valid directory\nPlease specify a valid working directory.`,
    3,
  );
}

function initialDirectory(asked: string | undefined, cwd: string): string | undefined {
  if (asked === undefined) return undefined;
  const path = resolve(cwd, asked);
  if (!isDirectory(path)) throw qsubUsageError('qsub: illegal -d value');
  return path;
}

/** `path`, or `host:path` as long as the host is this one. */
export function outputPath(asked: string | undefined, directory: string, command = 'qsub'): string | undefined {
  if (asked === undefined) return undefined;
  const [, host, path = asked] = /^([\w.-]*):(.*)$/s.exec(asked) ?? [];
  if (host !== undefined && !isThisHost(host)) {
    throw new CommandError(`${command}: output to host "${host}" is not available in the embedded batch system`, 1);
  }
  if (path === '') return undefined;
  // Not resolve(): a slash at the end says that a directory is meant.
  return path.startsWith('/') || /^\$\{?(HOME|PBS_O_HOME|PBS_O_WORKDIR)\b/.test(path) ? path : `${directory}/${path}`;
}

function isThisHost(host: string): boolean {
  return ['', 'localhost', '127.0.0.1', hostname(), shortName(hostname())].includes(host);
}

function shortName(host: string): string {
  return host.split('.')[0] || 'localhost';
}

/** `queue`, `@server` or `queue@server`; empty: the default queue. */
function queueName(destination: string): string {
  const [queue = '', server] = destination.split('@');
  if (server !== undefined && server !== '' && !isThisHost(server)) {
    throw new CommandError(
      `qsub: cannot connect to server ${server} (errno=15010) Access from host not allowed, or unknown host`,
      162,
    );
  }
  return queue;
}

/** Of several the command line's counts, which come first. */
function dependOf(attributes: readonly QsubOption[]): string | undefined {
  return attributes
    .flatMap(({ name, value = '' }) => (name === 'W' && value !== '' ? [parseAttribute(value)] : []))
    .find(({ name }) => name === 'depend')?.value;
}

/** The digits of -W umask=, octal with a zero in front, decimal without; undefined: none was given. */
function umaskOf(attributes: readonly QsubOption[]): string | undefined {
  const values = attributes.flatMap(({ name, value = '' }) => {
    if (name !== 'W' || value === '') return [];
    const attribute = parseAttribute(value);
    if (attribute.name === 'interactive' || attribute.name === 'depend') return [];
    if (attribute.name === 'umask') return [attribute.value];
    throw new CommandError(
      'qsub: submit error (Undefined attribute  MSG=detected presence of an unknown attribute)',
      154,
    );
  });
  // The command line's options come first, and they win.
  const [text] = values;
  return text === undefined ? undefined : umaskDigits(text);
}

/**
 * The octal digits of a mask as -W umask= has it.
 * @throws VtorqueError `E_QSUB` in qsub's words
 */
export function umaskDigits(text: string): string {
  if (text.length > 4) throw qsubUsageError(`qsub: Invalid umask value, too many digits: ${text}`);
  const mask = /^\d+$/.test(text) ? Number.parseInt(text, text.startsWith('0') ? 8 : 10) : Number.NaN;
  if (!(mask <= 0o777)) throw qsubUsageError('qsub: illegal -W value');
  return mask.toString(8);
}

interface Surroundings {
  readonly env: Env;
  readonly queue: string;
  readonly workDir: string;
  readonly host: string;
}

/** The job's variables in Torque's order. */
function variablesOf(options: EffectiveOptions, { env, queue, workDir, host }: Surroundings): [string, string][] {
  const inherited = ['HOME', 'LOGNAME', 'PATH', 'MAIL', 'SHELL', 'LANG', 'TZ'].flatMap((name): [string, string][] =>
    env[name] === undefined ? [] : [[`PBS_O_${name}`, env[name]]],
  );
  const whole = options.has('V')
    ? Object.entries(env).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]))
    : [];
  const list = options.value('v');
  const named = list === undefined ? [] : parseVariables(list, env);
  return [
    ...new Map([
      ['PBS_O_QUEUE', queue] as const,
      ...inherited,
      ...whole,
      ...named,
      ['PBS_O_WORKDIR', workDir] as const,
      ['PBS_O_HOST', host] as const,
      ['PBS_O_SERVER', host] as const,
    ]),
  ];
}
