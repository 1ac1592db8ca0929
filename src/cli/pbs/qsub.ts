import { VtorqueError } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import { PbsError, type SubmitReply } from '../../engine/embedded/protocol.ts';
import {
  checkOptionValue,
  DEFAULT_PREFIX,
  directiveOptions,
  effectiveOptions,
  firstLook,
  type Operand,
  qsubErrorText,
  qsubUsageError,
  scanDirectives,
  walkQsubArgs,
} from '../../pbs/index.ts';
import { CommandError, type CommandResult, type Env, exitCodeOf } from './command.ts';
import { checkAvailable } from './qsub-available.ts';
import { readScript } from './qsub-script.ts';
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
  // Asked before the script is read, which may be what the user types.
  if (look.interactive) checkAvailable(walk.options);
  const script = await readScript(look.script?.text);
  const prefix = look.prefix ?? env.PBS_DPREFIX ?? DEFAULT_PREFIX;
  const scan = scanDirectives(script.bytes, prefix);
  const broken = walk.errors[0] ?? scan.error ?? scan.directives.find(({ error }) => error !== undefined)?.error;
  if (broken !== undefined) throw broken;
  checkOperands(walk.operands, look.script);
  const fromScript = scan.directives.flatMap((directive) => {
    const { options, errors } = walkQsubArgs(directive.words);
    if (errors[0] !== undefined) throw errors[0];
    return options;
  });
  const options = [...walk.options, ...fromScript];
  for (const { name, value } of options) if (value !== undefined) checkOptionValue(name, value);
  checkAvailable(options);
  const effective = effectiveOptions(walk.options, directiveOptions(scan.directives));
  const submission = composeSubmission({ args, options: effective, attributes: options, scriptName: script.name, env });
  const { id } = await send(submission, script.bytes, env);
  return { stdout: effective.has('z') ? '' : `${id}\n`, exitCode: 0 };
}

async function send(
  submission: ReturnType<typeof composeSubmission>,
  script: Uint8Array,
  env: Env,
): Promise<SubmitReply> {
  try {
    return await request<SubmitReply>(env, { op: 'submit', submission, body: script.length }, script);
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
