import { type Env, VtorqueError } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import { PbsError, type SubmitReply } from '../../engine/embedded/protocol.ts';
import {
  checkAsQsub,
  checkCombinations,
  checkMaySet,
  DEFAULT_PREFIX,
  directiveOptions,
  effectiveOptions,
  firstLook,
  hasOption,
  qsubErrorText,
  qsubUsageError,
  scanDirectives,
  walkQsubArgs,
} from '../../pbs/index.ts';
import { CommandError, type CommandResult, exitCodeOf } from './command.ts';
import { checkAvailable } from './qsub-available.ts';
import { readInteractiveScript, readScript, type Script } from './qsub-script.ts';
import { composeSubmission } from './qsub-submission.ts';

/**
 * `qsub [options] [script]`
 * @param given in the place of what stands in the file, or comes on standard input
 */
export async function qsub(args: readonly string[], env: Env, given?: Script): Promise<CommandResult> {
  try {
    return await submit(args, env, given);
  } catch (error) {
    if (!(error instanceof VtorqueError) || error.code !== 'E_QSUB') throw error;
    return { stderr: qsubErrorText(error), exitCode: error.exitCode };
  }
}

async function submit(args: readonly string[], env: Env, given: Script | undefined): Promise<CommandResult> {
  const look = firstLook(args);
  if (look.early !== undefined) return { stdout: `${await about(look.early, env)}\n`, exitCode: 0 };
  if (process.getuid?.() === 0) throw new CommandError('qsub can not be run as root', 1);
  const walk = walkQsubArgs(args);
  const asCommand = hasOption(walk.options, 'x');
  const script = look.interactive
    ? readInteractiveScript(look.script?.text, asCommand)
    : (given ?? (await readScript(look.script?.text)));
  const scan = scanDirectives(script.bytes, look.prefix ?? DEFAULT_PREFIX);
  checkAsQsub(scan, walk, look.script);
  const fromScript = directiveOptions(scan.directives);
  const options = [...walk.options, ...fromScript];
  const effective = effectiveOptions(walk.options, fromScript);
  const inOrder = [...fromScript, ...walk.options];
  const submission = composeSubmission({ args, options: effective, inOrder, scriptName: script.name, env });
  checkCombinations(effective);
  if (effective.has('X') && !env.DISPLAY) throw qsubUsageError('qsub: DISPLAY not set');
  checkAvailable(options);
  checkMaySet(effective.resources);
  // As in Torque, a batch job must have a display for -X, and gets nothing of it.
  const x11 = effective.has('X') ? await (await import('./qsub-display.ts')).displayForJob(env) : undefined;
  if (effective.interactive) {
    const { interactiveParts, runInteractive } = await import('./qsub-interactive.ts');
    const parts = interactiveParts(effective, walk.operands, env);
    return refusalsInWords(runInteractive(env, { ...submission, ...parts, display: x11?.display }, x11?.authority));
  }
  const { id } = await send(submission, script.bytes, env);
  const emptyAttributes = options.filter(({ name, value }) => name === 'W' && value?.trim() === '');
  const stderr = emptyAttributes.map(() => 'qsub: illegal -W value\n').join('');
  return { stdout: effective.has('z') ? '' : `${id}\n`, stderr, exitCode: 0 };
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

async function about(what: 'version' | 'about', env: Env): Promise<string> {
  const { installRoot } = await import('../../site/index.ts');
  const { vtorqueVersion } = await import('../version.ts');
  if (what === 'version') return `Version: ${vtorqueVersion()}, embedded batch system`;
  const { serverName } = await import('./server-name.ts');
  const server = await serverName(env).catch(() => 'none');
  return `HomeDir:   ${installRoot}  InstallDir: ${installRoot}  Server: ${server}`;
}
