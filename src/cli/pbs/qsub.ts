import { VtorqueError } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import { PbsError, type SubmitReply } from '../../engine/embedded/protocol.ts';
import {
  checkOptionValue,
  DEFAULT_PREFIX,
  directiveOptions,
  effectiveOptions,
  firstLook,
  hasOption,
  type Operand,
  qsubErrorText,
  qsubUsageError,
  scanDirectives,
  walkQsubArgs,
} from '../../pbs/index.ts';
import { CommandError, type CommandResult, type Env, exitCodeOf } from './command.ts';
import { checkAvailable } from './qsub-available.ts';
import { readInteractiveScript, readScript } from './qsub-script.ts';
import { composeSubmission } from './qsub-submission.ts';

/** `qsub [options] [script]` */
export async function qsub(args: readonly string[], env: Env): Promise<CommandResult> {
  try {
    return await submit(args, env);
  } catch (error) {
    if (!(error instanceof VtorqueError) || error.code !== 'E_QSUB') throw error;
    return { stderr: qsubErrorText(error), exitCode: error.exitCode };
  }
}

async function submit(args: readonly string[], env: Env): Promise<CommandResult> {
  const look = firstLook(args);
  if (look.early !== undefined) return { stdout: `${await about(look.early, env)}\n`, exitCode: 0 };
  if (process.getuid?.() === 0) throw new CommandError('qsub can not be run as root', 1);
  const walk = walkQsubArgs(args);
  const asCommand = hasOption(walk.options, 'x');
  const script = look.interactive
    ? readInteractiveScript(look.script?.text, asCommand)
    : await readScript(look.script?.text);
  const prefix = look.prefix ?? env.PBS_DPREFIX ?? DEFAULT_PREFIX;
  const scan = scanDirectives(script.bytes, prefix);
  const broken = walk.errors[0] ?? scan.error ?? scan.directives.find(({ error }) => error !== undefined)?.error;
  if (broken !== undefined) throw broken;
  if (!asCommand) checkOperands(walk.operands, look.script);
  const fromScript = scan.directives.flatMap((directive) => {
    const { options, errors } = walkQsubArgs(directive.words);
    if (errors[0] !== undefined) throw errors[0];
    return options;
  });
  const options = [...walk.options, ...fromScript];
  for (const { name, value } of options) if (value !== undefined) checkOptionValue(name, value);
  const effective = effectiveOptions(walk.options, directiveOptions(scan.directives));
  if (effective.has('X') && !env.DISPLAY) throw qsubUsageError('qsub: DISPLAY not set');
  checkAvailable(options);
  const submission = composeSubmission({ args, options: effective, attributes: options, scriptName: script.name, env });
  // As in Torque, a batch job must have a display for -X, and gets nothing of it.
  const x11 = effective.has('X') ? await (await import('./qsub-display.ts')).displayForJob(env) : undefined;
  if (effective.interactive) {
    const { interactiveParts, runInteractive } = await import('./qsub-interactive.ts');
    const parts = interactiveParts(effective, walk.operands, env);
    return refusalsInWords(runInteractive(env, { ...submission, ...parts, display: x11?.display }, x11?.authority));
  }
  if (effective.has('x')) throw qsubUsageError("qsub: '-x' invalid on non-interactive job");
  const { id } = await send(submission, script.bytes, env);
  return { stdout: effective.has('z') ? '' : `${id}\n`, exitCode: 0 };
}

async function send(
  submission: ReturnType<typeof composeSubmission>,
  script: Uint8Array,
  env: Env,
): Promise<SubmitReply> {
  return refusalsInWords(request<SubmitReply>(env, { op: 'submit', submission, body: script.length }, script));
}

async function refusalsInWords<T>(submitted: Promise<T>): Promise<T> {
  try {
    return await submitted;
  } catch (error) {
    if (!(error instanceof PbsError)) throw error;
    throw new CommandError(`qsub: submit error (${error.message})`, exitCodeOf(error.code));
  }
}

/** One script; its arguments go into -F. */
function checkOperands(operands: readonly Operand[], script: Operand | undefined): void {
  const others = operands.filter(({ at, text }) => at !== script?.at && text !== '-');
  if (others.length > (script === undefined ? 1 : 0)) throw qsubUsageError('index issues');
}

async function about(what: 'version' | 'about', env: Env): Promise<string> {
  const { installRoot } = await import('../../site/index.ts');
  const { vtorqueVersion } = await import('../version.ts');
  if (what === 'version') return `Version: ${vtorqueVersion()}, embedded batch system`;
  const { serverName } = await import('./server-name.ts');
  const server = await serverName(env).catch(() => 'none');
  return `HomeDir:   ${installRoot}  InstallDir: ${installRoot}  Server: ${server}`;
}
