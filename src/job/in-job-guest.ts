import { ownPlaces, placesToRead } from '../site/index.ts';
import { type JobContext, readJobContext } from './context.ts';
import { type JobGuest, startJobGuest } from './job-guest.ts';
import type { JobSignals } from './signals.ts';
import type { Submission } from './submission.ts';
import { tearDown } from './tear-down.ts';
import { Timeline } from './timeline.ts';

export interface GuestJob {
  /** Called when the job's record has begun, so that what is wrong with the submission is in it. */
  readonly submission: (context: JobContext) => Promise<Submission> | Submission;
  /** Path of the submitted script on the host. */
  readonly scriptPath: string;
  readonly signals: JobSignals;
  /** Run what the user wants in the guest; gives its exit code. */
  readonly run: (guest: JobGuest, submission: Submission) => Promise<number>;
}

/**
 * The life of a job in its VM: the guest is started, the user's part runs, the guest is torn down, each step recorded.
 * @returns the exit code of the user's part
 * @throws VtorqueError with the phase that failed; `Cancelled` when a signal came before the user's part ran
 */
export async function inJobGuest({ submission, scriptPath, signals, run }: GuestJob): Promise<number> {
  const context = await readJobContext();
  const { uid } = context.owner;
  const timeline = new Timeline(ownPlaces(context.env, uid).state, context.id);
  const record: Timeline['record'] = (event, value) => timeline.record(event, value);
  record('start');
  let code: number | undefined;
  try {
    const submitted = await submission(context);
    const places = placesToRead(context.env, uid);
    const signal = signals.cancelled;
    await using guest = await startJobGuest({ context, places, submission: submitted, scriptPath, record, signal });
    record('script');
    const result = await guest.watch('script', run(guest, submitted));
    record('tear-down');
    await tearDown(guest.machine);
    code = result;
    return code;
  } finally {
    record('end', code ?? 'failed');
    await timeline.flush();
  }
}
