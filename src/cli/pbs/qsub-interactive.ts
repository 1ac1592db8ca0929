import { isatty } from 'node:tty';
import type { Env } from '../../base/index.ts';
import type { Submission } from '../../engine/embedded/job.ts';
import { PbsError } from '../../engine/embedded/protocol.ts';
import { type InteractiveJob, submitInteractive } from '../../engine/embedded/terminal-client.ts';
import { type EffectiveOptions, type Operand, qsubError } from '../../pbs/index.ts';
import { makeRaw } from '../terminal/raw-terminal.ts';
import { terminalSize } from '../terminal/size.ts';
import { type CommandResult, exitCodeOf } from './command.ts';

/**
 * What makes a submission an interactive one.
 * @param operands with -x the command and its arguments
 * @throws VtorqueError `E_QSUB` in qsub's words
 */
export function interactiveParts(
  options: EffectiveOptions,
  operands: readonly Operand[],
  { TERM }: Env,
): Pick<Submission, 'interactive' | 'command' | 'terminalType' | 'columns' | 'rows'> {
  if (options.value('t') !== undefined) throw qsubError('qsub: interactive job can not be job array.', 2);
  const command = options.has('x') ? operands.map(({ text }) => text).join(' ') : undefined;
  if (command === undefined && !(isatty(0) && isatty(1))) throw noTerminalError();
  return { interactive: true, command: command || undefined, terminalType: TERM, ...terminalSize() };
}

function noTerminalError(): Error {
  return qsubError('qsub:\tstandard input and output must be a terminal for \n\tinteractive job submission', 1);
}

/**
 * Submit an interactive job, and be its terminal until it has ended.
 * @param authority the X authority file for its display
 * @returns exit code 0 however the job ended, as in Torque
 */
export async function runInteractive(env: Env, submission: Submission, authority?: Uint8Array): Promise<CommandResult> {
  const job = await submitInteractive(env, submission, authority);
  try {
    if ((await readyOrGivenUp(job)) === 'given up') {
      return { stdout: `Job ${job.id} is being deleted\n`, exitCode: 0 };
    }
    process.stdout.write(`qsub: job ${job.id} ready\n\n`);
    await beTerminal(job);
    return { stdout: `\nqsub: job ${job.id} completed\n`, exitCode: 0 };
  } catch (error) {
    if (!(error instanceof PbsError)) throw error;
    return { stderr: `qsub: job ${job.id} cannot be run: ${error.message}\n`, exitCode: exitCodeOf(error.code) };
  } finally {
    job.close();
    // Whatever was typed and not read must not keep this process.
    process.stdin.destroy();
  }
}

async function beTerminal(job: InteractiveJob): Promise<void> {
  await using _ = isatty(0) ? await makeRaw(0) : undefined;
  const { stdin, stdout } = process;
  const resized = (): void => {
    const size = terminalSize();
    if (size !== undefined) job.resize(size);
  };
  // Also what has changed since the submission.
  resized();
  stdout.on('resize', resized);
  // A terminal that hangs up: the signal that comes with it ends this process.
  stdin.on('error', () => {});
  try {
    await job.carry(stdin, stdout);
  } finally {
    stdout.off('resize', resized);
  }
}

/** Interrupts, before the job runs, ask whether it is still wanted. */
async function readyOrGivenUp(job: InteractiveJob): Promise<'ready' | 'given up'> {
  const { promise, resolve } = Promise.withResolvers<'given up'>();
  const { stdin, stdout } = process;
  const giveUp = (): void => resolve('given up');
  const answered = (answer: Buffer): void => {
    stdin.pause();
    if (/^\s*y/i.test(answer.toString())) giveUp();
  };
  const ask = (): void => {
    if (!isatty(0)) giveUp();
    else {
      stdout.write('Do you wish to terminate the job and exit (y|[n])? ');
      stdin.off('data', answered).once('data', answered).resume();
    }
  };
  process.on('SIGINT', ask).on('SIGTERM', giveUp).on('SIGHUP', giveUp);
  // Said only now: from here on Ctrl-C asks, and does not just end this process.
  stdout.write(`qsub: waiting for job ${job.id} to start\n`);
  try {
    return await Promise.race([job.ready.then(() => 'ready' as const), promise]);
  } finally {
    process.off('SIGINT', ask).off('SIGTERM', giveUp).off('SIGHUP', giveUp);
    stdin.off('data', answered);
  }
}
