import { writeSync } from 'node:fs';
import { VtorqueError } from '../base/index.ts';
import { AGENT_WORD, Cancelled, exitCodeOf, JobSignals, launch } from '../job/index.ts';
import { launchInteractive, readInteractiveWord, SUBMISSION_VARIABLE, UserChannel } from '../job/interactive/index.ts';
import { renderError } from './render-error.ts';

/**
 * The launcher's command line: the submitted script, then the arguments of the user's script; nothing in an interactive job.
 * On the other nodes of a job it is the agent there.
 * @returns the exit code of the job
 */
export async function runLaunch([scriptPath, ...args]: readonly string[]): Promise<number> {
  if (scriptPath === AGENT_WORD) return (await import('./node-agent.ts')).runAgentCommand(args);
  using signals = new JobSignals();
  // Node would end with 1, which looks like the script's.
  process.once('uncaughtException', (error) => process.exit(failed(error)));
  const interactive = process.env[SUBMISSION_VARIABLE];
  if (scriptPath === undefined && interactive) return await runInteractive(interactive, signals);
  try {
    if (scriptPath === undefined) {
      throw new VtorqueError('E_USAGE', 'Cannot launch: no script given', { hint: 'Submit the job with vsub' });
    }
    return await launch({ scriptPath, args, signals, say: (text) => writeSync(2, `vtorque: ${text}\n`) });
  } catch (error) {
    return error instanceof Cancelled ? error.exitCode : failed(error);
  }
}

/** The job's terminal is raw for its whole life: what goes through it are lines for vsub. */
async function runInteractive(word: string, signals: JobSignals): Promise<number> {
  let channel: UserChannel | undefined;
  try {
    const submission = readInteractiveWord(word);
    const { stdin, stdout } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    channel = new UserChannel(submission.token, stdin, stdout);
    channel.say({ kind: 'hello' });
    const code = await launchInteractive({ submission, channel, signals });
    channel.say({ kind: 'exit', code });
    return code;
  } catch (error) {
    if (channel === undefined) return failed(error);
    const code = error instanceof Cancelled ? error.exitCode : exitCodeOf(error);
    if (!(error instanceof Cancelled)) channel.print(renderError(error, { program: 'vtorque' }).text);
    channel.say({ kind: 'exit', code });
    return code;
  }
}

/** Say what went wrong. @returns the exit code of the job */
function failed(error: unknown): number {
  writeSync(2, renderError(error, { program: 'vtorque' }).text);
  return exitCodeOf(error);
}
