import { setTimeout as pause } from 'node:timers/promises';
import { VtorqueError } from '../../../base/index.ts';
import type { GuestAgent } from '../../../guest/linux/index.ts';
import { type ClockReading, correctionOf } from './correction.ts';

/** The first look is soon: where a node is busy, the time that a guest was given was old when it came. */
const FIRST_MS = 1000;
/** In this time a clock can be corrected by 10 ms, which is more than one loses. */
const EVERY_MS = 20_000;
const LOOKS = 2;

/** What is asked of the guest. */
export type ClockAgent = Pick<GuestAgent, 'readClock' | 'slewClock' | 'setClock'>;

export interface KeepClockOptions {
  readonly agent: ClockAgent;
  /** Milliseconds since 1970: what the node's clock shows. */
  readonly now?: () => number;
  /** Milliseconds: from a look to the next one; the first one too, if less than a second. */
  readonly everyMs?: number;
  /** Told once, with a sentence, when the guest's clock cannot be kept, and so is on its own. */
  readonly onGivenUp: (why: string) => void;
}

/**
 * Keep the guest's clock with that of the node until disposed, or the guest is no more. It is left alone as long as a program of the guest
 * keeps it.
 */
export function keepClock({ agent, onGivenUp, ...options }: KeepClockOptions): Disposable {
  const { now = Date.now, everyMs = EVERY_MS } = options;
  const stop = new AbortController();
  const { signal } = stop;
  const kept = async (): Promise<never> => {
    for (let wait = Math.min(FIRST_MS, everyMs); ; wait = everyMs) {
      await pause(wait, undefined, { signal, ref: false });
      await correct(agent, now, signal);
    }
  };
  kept().catch((error: unknown) => {
    const isOver = signal.aborted || (error instanceof VtorqueError && error.code === 'E_GUEST_LOST');
    if (!isOver) onGivenUp(`the clock is on its own: ${error instanceof Error ? error.message : error}`);
  });
  return { [Symbol.dispose]: () => stop.abort() };
}

async function correct(agent: ClockAgent, now: () => number, signal: AbortSignal): Promise<void> {
  const nanoseconds = (): bigint => BigInt(Math.round(now() * 1e6));
  const look = async (): Promise<ClockReading | undefined> => {
    const asked = nanoseconds();
    const { nanoseconds: guest, isKept } = await agent.readClock(signal);
    return isKept ? undefined : { asked, answered: nanoseconds(), guest };
  };
  const first = await look();
  if (first === undefined) return;
  const readings: [ClockReading, ...ClockReading[]] = [first];
  while (readings.length < LOOKS) {
    const next = await look();
    if (next === undefined) return;
    readings.push(next);
  }
  const correction = correctionOf(readings);
  if (correction === 'set') await agent.setClock(nanoseconds());
  else if (correction !== 'none') await agent.slewClock(correction.slew);
}
