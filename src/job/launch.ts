import { readFile } from 'node:fs/promises';
import { ownPlaces, placesToRead } from '../site/index.ts';
import { readJobContext } from './context.ts';
import { startJobGuest } from './job-guest.ts';
import { runScript } from './script.ts';
import type { JobSignals } from './signals.ts';
import { readSubmission } from './submission.ts';
import { tearDown } from './tear-down.ts';
import { Timeline } from './timeline.ts';

export interface LaunchOptions {
  /** The submitted script, as the batch system keeps it. */
  readonly scriptPath: string;
  /** For the user's script. */
  readonly args: readonly string[];
  readonly signals: JobSignals;
}

/**
 * Run one batch job in its VM: the program behind the script that vsub submitted.
 * @returns the exit code of the user's script
 * @throws VtorqueError with the phase that failed; `Cancelled` when a signal came before the script ran
 */
export async function launch({ scriptPath, args, signals }: LaunchOptions): Promise<number> {
  const context = await readJobContext();
  const { uid } = context.owner;
  const timeline = new Timeline(ownPlaces(context.env, uid).state, context.id);
  const record: Timeline['record'] = (event, value) => timeline.record(event, value);
  record('start');
  let code: number | undefined;
  try {
    const submission = readSubmission(await readFile(scriptPath));
    const places = placesToRead(context.env, uid);
    const signal = signals.cancelled;
    await using guest = await startJobGuest({ context, places, submission, scriptPath, record, signal });
    record('script');
    const { machine, identity, files } = guest;
    const run = runScript({ agent: machine.agent, identity, files, submission, args, signals });
    const result = await guest.watch('script', run);
    record('tear-down');
    await tearDown(machine);
    code = result;
    return code;
  } finally {
    record('end', code ?? 'failed');
    await timeline.flush();
  }
}
