import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { VtorqueError } from '../../base/index.ts';
import { interactiveWord, SUBMISSION_VARIABLE } from '../../job/interactive/submission.ts';
import {
  checkAsQsub,
  DEFAULT_PREFIX,
  directiveOptions,
  type EffectiveOptions,
  effectiveOptions,
  parseAttribute,
  type QsubOption,
  qsubError,
  scanDirectives,
  variableNames,
  walkQsubArgs,
} from '../../pbs/index.ts';
import { installRoot } from '../../site/index.ts';
import { InteractiveSession } from './interactive-session.ts';
import { ownDirectiveWords } from './own-options.ts';
import type { PreparedJob } from './prepare.ts';
import type { JobSources } from './wanted-job.ts';

/**
 * Submit an interactive job in a VM, and be its terminal until it has ended.
 *
 * qsub -I has no script that could carry a request, and its exit code says nothing of the shell. So what is submitted is
 * `qsub -I -x -v VARIABLES LAUNCHER`, or what the batch system has for that, with the request in a variable, which needs no terminal of
 * qsub's: vsub stands between qsub and the user's.
 * @returns the exit code of the shell
 * @throws VtorqueError `E_QSUB` in qsub's words without a terminal, `E_SHELL_UNKNOWN` when nothing said how the shell ended
 */
export async function runInteractiveJob(job: PreparedJob, { line, script, env }: JobSources): Promise<number> {
  if (job.engine === undefined) throw new Error('no batch system');
  const scan = scanDirectives(script.bytes, line.look.prefix ?? DEFAULT_PREFIX);
  const ours = { own: ownDirectiveWords };
  // qsub gets only what was understood, so what was not is refused here: in its words.
  checkAsQsub(scan, line.walk, line.look.script, ours);
  const fromScript = directiveOptions(scan.directives, ours);
  const walk = walkQsubArgs(job.argv);
  const options = effectiveOptions(walk.options, fromScript);
  const shellCommand = options.has('x') ? walk.operands.map(({ text }) => text).join(' ') : '';
  checkInteractive(options, line.json);
  const token = randomBytes(12).toString('hex');
  const shell = options.value('S');
  const word = interactiveWord({
    request: job.request,
    ...(shell === undefined ? {} : { shell }),
    variables: { names: variableNames(options.value('v') ?? ''), all: options.has('V') },
    ...(shellCommand === '' ? {} : { command: shellCommand }),
    ...(options.has('X') ? { x11: true } : {}),
    terminalType: env.TERM || 'dumb',
    ...job.hooked,
    token,
  });
  // With -x it is a command, of which not every batch system takes all characters for a name.
  const name = options.value('N') === undefined ? ['-N', /^[\w.+-]+$/.test(script.name) ? script.name : 'STDIN'] : [];
  const variables = ['-v', withVariable(options.value('v'), word)];
  const words = submitWords([...fromScript, ...walk.options], options);
  const { engine } = job;
  const submitting = await engine.interactiveCommand([...name, ...words, ...variables], [launcher()]);
  return new InteractiveSession({ submitting, cancel: (id) => engine.cancel([id]), env, token }).run();
}

/** @throws VtorqueError for what cannot be done */
function checkInteractive(options: EffectiveOptions, json: boolean): void {
  if (json) {
    throw new VtorqueError('E_OPTION_UNAVAILABLE', 'Cannot use --json with -I: the output is that of a terminal', {
      hint: 'Leave out --json, or submit a script',
      phase: 'check',
    });
  }
  if (options.has('x') || (isatty(0) && isatty(1))) return;
  throw qsubError('qsub:\tstandard input and output must be a terminal for \n\tinteractive job submission', 1);
}

/** The user's variables and ours. Ours stands first, so that what qsub thinks of his list is not changed. */
export function withVariable(list: string | undefined, word: string): string {
  const ours = `${SUBMISSION_VARIABLE}=${word}`;
  return list ? `${ours},${list}` : ours;
}

/** What says that the job is interactive, what it runs, its variables, and how directives look: all that is said anew. */
const REPLACED = new Set(['I', 'x', 'C', 'l', 'v']);

/** All options that qsub is to get, each in words of its own, so that it finds the launcher where we put it. */
export function submitWords(given: readonly QsubOption[], { resources }: EffectiveOptions): string[] {
  const options = given.filter(
    ({ name, value = '' }) => !REPLACED.has(name) && !(name === 'W' && isInteractive(value)),
  );
  return [
    ...options.flatMap(({ name, value }) => (value === undefined ? [`-${name}`] : [`-${name}`, value])),
    ...[...resources].flatMap(([name, value]) => ['-l', `${name}=${quotedForList(value)}`]),
  ];
}

/** A comma separates resources, unless it is in quotes or in brackets. */
function quotedForList(value: string): string {
  return value.replace(/\[[^\]]*\]/g, '').includes(',') ? `"${value}"` : value;
}

function isInteractive(attribute: string): boolean {
  return attribute.trim() !== '' && parseAttribute(attribute).name === 'interactive';
}

/** A shell on the node reads it, and qsub looks for it as it stands: so it must mean the same to both. */
function launcher(): string {
  const path = join(installRoot, 'libexec/vtorque-launch');
  if (/^[\w@%+=:,./-]+$/.test(path)) return path;
  throw new VtorqueError('E_INSTALL_PATH', `Cannot run an interactive job in a VM: the path "${path}" needs quoting`, {
    hint: 'Install vTorque at a path of letters, digits, and the characters ._-+/',
    phase: 'check',
  });
}
