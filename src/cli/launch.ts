import { writeSync } from 'node:fs';
import { VtorqueError } from '../base/index.ts';
import { Cancelled, exitCodeOfPhase, JobSignals, launch } from '../job/index.ts';
import { renderError } from './render-error.ts';

/**
 * The launcher's command line: the submitted script, then the arguments of the user's script.
 * @returns the exit code of the job
 */
export async function runLaunch([scriptPath, ...args]: readonly string[]): Promise<number> {
  using signals = new JobSignals();
  // Node would end with 1, which looks like the script's.
  process.once('uncaughtException', (error) => process.exit(failed(error)));
  try {
    if (scriptPath === undefined) {
      throw new VtorqueError('E_USAGE', 'Cannot launch: no script given', { hint: 'Submit the job with vsub' });
    }
    return await launch({ scriptPath, args, signals });
  } catch (error) {
    return error instanceof Cancelled ? error.exitCode : failed(error);
  }
}

/** Say what went wrong. @returns the exit code of the job */
function failed(error: unknown): number {
  writeSync(2, renderError(error, { program: 'vtorque' }).text);
  return exitCodeOfPhase(error instanceof VtorqueError ? error.phase : undefined);
}
