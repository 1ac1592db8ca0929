import { once } from 'node:events';
import type { ConsoleDoor } from './console/door.ts';

export interface KeepOptions {
  readonly minutes: number;
  /** Where the owner gets in. */
  readonly door: Pick<ConsoleDoor, 'place' | 'keptEnough'> | undefined;
  /** Aborted when the job is to end. */
  readonly ending: AbortSignal;
  readonly say: (text: string) => void;
  readonly job: {
    readonly id: string;
    /** How its script ended, in words. */
    readonly ended: string;
  };
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Leave the guest as the script has left it, until the time is over, its owner has seen enough, or the job is to end. */
export async function keepGuest({ minutes, door, ending, say, job, now = Date.now }: KeepOptions): Promise<void> {
  if (door === undefined) {
    say(`the script ${job.ended}; its VM is not kept: there is no way in`);
    return;
  }
  const ms = minutes * 60_000;
  const until = new Date(now() + ms).toLocaleString('sv');
  const { host } = door.place;
  try {
    say(`the script ${job.ended}; its VM is kept until ${until}; get in on ${host} with: vtorque console ${job.id}`);
  } catch (error) {
    // Output that cannot be written (a full disk) is no reason to end the guest at once.
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  const stop = new AbortController();
  try {
    const deleted = ending.aborted ? Promise.resolve() : once(ending, 'abort', { signal: stop.signal });
    await Promise.race([over.promise, door.keptEnough(), deleted]);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}
