import { messageOf, VtorqueError } from '../base/index.ts';
import type { JobContext } from '../node/guest/index.ts';
import { ownPlaces, placesToRead } from '../site/index.ts';
import { ConsoleDoor } from './console/door.ts';
import { readJobContext } from './context.ts';
import { type JobGuest, startJobGuest } from './job-guest.ts';
import { keepGuest } from './keep.ts';
import type { JobSignals } from './signals.ts';
import type { Submission } from './submission.ts';
import { Timeline } from './timeline.ts';

export interface GuestJob {
  /** Called when the job's record has begun, so that what is wrong with the submission is in it. */
  readonly submission: (context: JobContext) => Promise<Submission> | Submission;
  /** Path of the submitted script on the host. */
  readonly scriptPath: string;
  readonly signals: JobSignals;
  /** Tell the user something that is no error, beside his output. */
  readonly say: (text: string) => void;
  /** Run what the user wants in the guest; gives its exit code. */
  readonly run: (guest: JobGuest, submission: Submission) => Promise<number>;
}

/**
 * The life of a job in its VM: the guest is started, the user's part runs, the guest is torn down, each step recorded.
 * @returns the exit code of the user's part
 * @throws VtorqueError with the phase that failed; `Cancelled` when a signal came before the user's part ran
 */
export async function inJobGuest({ submission, scriptPath, signals, say, run }: GuestJob): Promise<number> {
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
    await using door = await openDoor(guest, submitted, timeline);
    record('script');
    const ran = await outcome(guest.watch('script', run(guest, submitted)));
    const { keep = 0 } = submitted.request;
    if (keep > 0 && !signals.ending.aborted) {
      record('keep');
      const job = { id: context.id, ended: describe(ran) };
      await guest.watch('tear-down', keepGuest({ minutes: keep, door, ending: signals.ending, say, job }));
    }
    await door?.close('the virtual machine ends');
    record('tear-down');
    await guest.tearDown().catch((error: unknown) => {
      throw 'failure' in ran ? ran.failure : error;
    });
    if ('failure' in ran) throw ran.failure;
    code = ran.code;
    return code;
  } finally {
    record('end', code ?? 'failed');
    await timeline.flush();
  }
}

/** A job does not fail for want of a console. */
async function openDoor(guest: JobGuest, submission: Submission, timeline: Timeline): Promise<ConsoleDoor | undefined> {
  try {
    const door = await ConsoleDoor.open({ guest, submission });
    timeline.recordConsole(door.place);
    return door;
  } catch (error) {
    timeline.record('fact', `no console: ${messageOf(error)}`);
    return undefined;
  }
}

/** How the script ended, in words. */
function describe(ran: Outcome): string {
  if ('code' in ran) return `ended with exit code ${ran.code}`;
  return ran.failure.code === 'E_SCRIPT_START' ? 'could not be started' : 'ended, but its output could not be written';
}

type Outcome = { readonly code: number } | { readonly failure: VtorqueError };

/** Failures that leave a guest behind which is as it was. */
const guestStands: readonly string[] = ['E_SCRIPT_START', 'E_OUTPUT_LOST'];

async function outcome(run: Promise<number>): Promise<Outcome> {
  try {
    return { code: await run };
  } catch (error) {
    if (error instanceof VtorqueError && guestStands.includes(error.code)) return { failure: error };
    throw error;
  }
}
