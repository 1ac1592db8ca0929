import { messageOf, type Phase, VtorqueError } from '../base/index.ts';
import { type JobContext, tearDown } from '../node/guest/index.ts';
import { onProcessLeft } from '../process/index.ts';
import { ownPlaces, placesToRead } from '../site/index.ts';
import { ConsoleDoor, type DoorOptions } from './console/door.ts';
import { readJobContext } from './context.ts';
import { exitCodeOf } from './exit-codes.ts';
import { HookLogs } from './hooks/logs.ts';
import { hookOrders } from './hooks/orders.ts';
import { type JobGuest, startJobGuest } from './job-guest.ts';
import { keepGuest } from './keep.ts';
import { Cancelled, type JobSignals } from './signals.ts';
import { jobSsh } from './ssh.ts';
import type { Submission } from './submission.ts';
import { hookLogsPath, Timeline } from './timeline.ts';

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
  const { state } = ownPlaces(context.env, uid);
  const timeline = new Timeline(state, context.id);
  const record: Timeline['record'] = (event, value) => timeline.record(event, value);
  const directory = hookLogsPath(state, context.id);
  const reports = new HookLogs({ directory, say, record: (text) => record('fact', text) });
  timeline.recordStart();
  recordSignals(timeline, signals);
  using _ = onProcessLeft((text) => {
    record('fact', text);
    say(text);
  });
  let end: number | string = 'failed';
  try {
    const submitted = await submission(context);
    const places = placesToRead(context.env, uid);
    const signal = signals.cancelled;
    const hooks = await hookOrders(context, submitted, directory);
    const ssh = jobSsh(context, submitted);
    const job = { context, places, submission: submitted, scriptPath, hooks, ssh };
    await using guest = await startJobGuest({ ...job, reports, record, signal });
    signals.precedeTermBy(() => guest.precancel());
    await using door = await openDoor({ guest, submission: submitted, ssh }, timeline);
    flushWhenEnding(guest, signals.ending);
    record('script');
    const watch = <T>(phase: Phase, work: Promise<T>) => orLeaveDiskInOrder(guest, guest.watch(phase, work));
    const ran = await outcome(watch('script', run(guest, submitted)));
    const { keep = 0 } = submitted.request;
    if (keep > 0 && !signals.ending.aborted) {
      record('keep');
      const job = { id: context.id, ended: describe(ran) };
      await watch('tear-down', keepGuest({ minutes: keep, door, ending: signals.ending, say, job }));
    }
    await door?.close('the virtual machine ends');
    record('tear-down');
    await guest.tearDown('code' in ran ? ran.code : exitCodeOf(ran.failure)).catch((error: unknown) => {
      throw 'failure' in ran ? ran.failure : error;
    });
    if ('failure' in ran) throw ran.failure;
    end = ran.code;
    return ran.code;
  } catch (error) {
    if (error instanceof Cancelled) end = error.message;
    throw error;
  } finally {
    record('end', end);
    await Promise.all([timeline.flush(), reports.flush()]);
  }
}

function recordSignals(timeline: Timeline, { ending }: JobSignals): void {
  const tell = (): void => {
    if (ending.reason instanceof Cancelled) timeline.recordSignal(ending.reason.signal);
  };
  if (ending.aborted) tell();
  else ending.addEventListener('abort', tell, { once: true });
}

/** A batch system may leave a job that it ends too little time: what was written to its disk is on its way sooner then. */
function flushWhenEnding({ machine: { spec, agent } }: JobGuest, ending: AbortSignal): void {
  if (spec.data?.keeps !== true) return;
  // Whether all is there is found out at the end.
  ending.addEventListener('abort', () => void agent.sync().catch(() => {}), { once: true });
}

/**
 * Whatever else of the job fails while its script runs, as another node that is lost: a disk that stays is unmounted, if its machine still lives.
 * The failure is what is told. Torque 6.1 ends the other nodes of a job before it tells the first one that the job is deleted.
 */
async function orLeaveDiskInOrder<T>({ guests: [first] }: JobGuest, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (first.machine.spec.data?.keeps === true && !stands(error)) await tearDown(first).catch(() => {});
    throw error;
  }
}

/** A job does not fail for want of a console. */
async function openDoor(options: DoorOptions, timeline: Timeline): Promise<ConsoleDoor | undefined> {
  try {
    const door = await ConsoleDoor.open(options);
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

function stands(error: unknown): error is VtorqueError {
  return error instanceof VtorqueError && guestStands.includes(error.code);
}

async function outcome(run: Promise<number>): Promise<Outcome> {
  try {
    return { code: await run };
  } catch (error) {
    if (stands(error)) return { failure: error };
    throw error;
  }
}
