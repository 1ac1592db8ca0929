import { type Env, formatRanges } from '../../base/index.ts';
import { type EffectiveOptions, originVariables, parseArray, parseVariables } from '../../pbs/index.ts';
import { attributeArguments } from './attributes.ts';
import { outputArguments } from './outputs.ts';
import { notOnSlurm } from './refusal.ts';
import { resourceArguments } from './resources.ts';

/** A job of qsub, and what qsub would see around it. */
export interface QsubJob {
  readonly options: EffectiveOptions;
  /** Base name of the script; STDIN for one without. */
  readonly scriptName: string;
  readonly env: Env;
  /** Absolute. */
  readonly directory: string;
  readonly home: string;
  readonly host: string;
  readonly isDirectory: (path: string) => boolean;
}

/** What is started: sbatch or salloc with these arguments and this environment. */
export interface SlurmCall {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

type Translate = (value: string, job: QsubJob) => readonly string[];

/** Flags and options with a counterpart of their own. Those that several make up together stand in `sbatchCall`. */
const table: Readonly<Record<string, Translate>> = {
  a: (value) => [`--begin=${dateTime(value)}`],
  A: (value) => [`--account=${value}`],
  E: () => ['--exclusive'],
  n: () => ['--exclusive'],
  h: () => ['--hold'],
  m: (value) => [`--mail-type=${mailTypes(value)}`],
  M: (value) => [`--mail-user=${value}`],
  p: (value) => priority(value),
  q: (value) => queue(value),
  r: (value) => [value === 'n' ? '--no-requeue' : '--requeue'],
  t: (value) => [`--array=${array(value)}`],
};

/** Said by other arguments, by the launcher, or by vsub itself. */
const elsewhere = new Set(['C', 'd', 'e', 'F', 'I', 'j', 'k', 'l', 'N', 'o', 'S', 'v', 'V', 'w', 'W', 'x', 'X', 'z']);

const reasons: Readonly<Record<string, string>> = {
  b: 'Leave it out: sbatch waits for its controller by itself',
  c: 'Leave it out: a job in a VM needs no checkpoints of the batch system',
  D: 'Leave it out, and let the script change its directory',
  f: 'Leave it out: the end of a node ends the job',
  i: 'Limit the elements that run at once: -t 1-10%2',
  J: 'Submit as the user who is to own the job',
  K: 'The time between TERM and KILL is that of the site (KillWait)',
  L: 'Use -l nodes=1:ppn=SLOTS instead',
  P: 'Submit as the user who is to own the job',
  T: 'Leave it out: Slurm has one kind of job',
  u: 'Submit as the user who is to own the job',
};

/**
 * The call of sbatch that means what the words for qsub mean. Pure but for `isDirectory`.
 * @throws VtorqueError `E_NOT_ON_SLURM` for what has no counterpart: nothing is dropped
 */
export function sbatchCall(job: QsubJob): SlurmCall {
  const { options, home } = job;
  const { name, workDir } = placesOf(job);
  const isArray = options.value('t') !== undefined;
  const outputs = outputArguments({
    ...{ name, output: options.value('o'), error: options.value('e'), array: isArray },
    ...{ join: options.value('j') ?? 'n', keep: options.value('k') ?? 'n' },
    ...{ directory: workDir, home, isDirectory: job.isDirectory },
  });
  const { args: asked, env } = askedCall(job);
  const args = [
    '--parsable',
    '--ignore-pbs',
    ...outputs,
    ...asked,
    // Not by their names, which srun would take for all that the tasks of a job may have.
    ...(options.has('V') ? ['--export=ALL'] : ['--export=ALL', '--get-user-env']),
  ];
  return { args, env };
}

/**
 * What any job asks for, for sbatch or salloc, and its environment.
 * @param withoutLetters options that say nothing about a job of this kind
 * @throws VtorqueError `E_NOT_ON_SLURM`
 */
export function askedCall(job: QsubJob, withoutLetters = ''): SlurmCall {
  const { options, home } = job;
  const { name, start, workDir } = placesOf(job);
  const args = [
    `--job-name=${name}`,
    // Jobs of PBS begin at home.
    `--chdir=${start ?? home}`,
    ...translated(job, withoutLetters),
    ...resourceArguments(options.resources),
    ...attributeArguments(options.values('W')),
  ];
  return { args, env: environment(job, name, workDir) };
}

function placesOf({ options, scriptName, directory }: QsubJob): { name: string; start?: string; workDir: string } {
  const start = within(directory, options.value('d'));
  return {
    name: options.value('N') || scriptName,
    ...(start === undefined ? {} : { start }),
    workDir: start ?? within(directory, options.value('w')) ?? directory,
  };
}

function translated(job: QsubJob, without: string): string[] {
  const letters = [...'aAbcDEfhiJKLmMnpPqrtTu'].filter((letter) => !without.includes(letter));
  return letters.flatMap((letter): readonly string[] => {
    const value = job.options.value(letter);
    if (value === undefined && !job.options.has(letter)) return [];
    const translate = Object.hasOwn(table, letter) ? table[letter] : undefined;
    if (translate !== undefined) return translate(value ?? '', job);
    throw notOnSlurm(`-${letter}${value === undefined ? '' : ` ${value}`}`, reasons[letter] ?? 'Leave it out');
  });
}

/** Not what the job that submits this one lets its own tasks have. */
const forSlurm = /^(SLURM|SBATCH|SPANK)_(?!EXPORT_ENV$)/;

/** Letters that are in neither set would be dropped: the tests hold that there are none. */
export function knownLetters(): ReadonlySet<string> {
  return new Set([...Object.keys(table), ...Object.keys(reasons), ...elsewhere]);
}

/**
 * The environment of sbatch is that of the job: so a value may have commas in it. What PBS gives every job is in it, as far as it is
 * known by now, and what Slurm's commands need; all else only with -V. What is missing, such as PATH, the node takes from a login of the user.
 */
function environment({ options, env, host }: QsubJob, name: string, workDir: string): Record<string, string> {
  const login = ['HOME', 'LOGNAME', 'USER', 'SHELL', 'LANG'].flatMap((name): [string, string][] =>
    env[name] === undefined ? [] : [[name, env[name]]],
  );
  const given = Object.fromEntries([
    ...login,
    ...originVariables(env),
    ['PBS_JOBNAME', name],
    ['PBS_ENVIRONMENT', 'PBS_BATCH'],
    ['PBS_O_WORKDIR', workDir],
    ['PBS_O_HOST', host],
    ['PBS_O_QUEUE', (options.value('q') ?? '').split('@')[0] ?? ''],
    ...parseVariables(options.value('v') ?? '', env),
  ]) as Record<string, string>;
  const inherited = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && (options.has('V') || forSlurm.test(entry[0])),
  );
  return { ...Object.fromEntries(inherited), ...given };
}

function within(directory: string, path: string | undefined): string | undefined {
  if (path === undefined || path.startsWith('/')) return path;
  return `${directory}/${path}`;
}

/** `[[[[CC]YY]MM]DD]hhmm[.SS]`; what is not said is that of the next such moment, as for at(1). */
function dateTime(text: string): string {
  const [, digits = '', seconds = '00'] = /^\s*(\d+)(?:\.(\d\d))?$/.exec(text) ?? [];
  const [minute, hour, day, month, year, century] = (digits.match(/\d\d/g) ?? []).reverse();
  const clock = `${hour}:${minute}:${seconds}`;
  if (day === undefined) return clock;
  if (month === undefined || year === undefined)
    throw notOnSlurm(`-a ${text}`, 'Write the whole date: -a YYYYMMDDhhmm');
  return `${century ?? '20'}${year}-${month}-${day}T${clock}`;
}

function mailTypes(letters: string): string {
  const types: Readonly<Record<string, string>> = { a: 'FAIL', b: 'BEGIN', e: 'END', n: 'NONE' };
  return [...letters.trim()]
    .map((letter) => {
      const type = types[letter];
      if (type === undefined) throw notOnSlurm(`-m ${letters}`, 'Write -m n, or some of the letters a, b, e');
      return type;
    })
    .join(',');
}

/** Users can only make themselves nicer. */
function priority(text: string): string[] {
  const value = Number(text);
  if (value === 0) return [];
  if (value < 0) return [`--nice=${-value}`];
  throw notOnSlurm(`-p ${text}`, 'Only negative priorities have a counterpart (--nice)');
}

function queue(destination: string): string[] {
  const [name = '', server = ''] = destination.split('@');
  if (server !== '') throw notOnSlurm(`-q ${destination}`, 'Write the name of a partition: -q NAME');
  return name === '' ? [] : [`--partition=${name}`];
}

function array(text: string): string {
  const { indexes, slotLimit } = parseArray(text);
  return `${formatRanges(indexes)}${slotLimit === undefined ? '' : `%${slotLimit}`}`;
}
