/** One look at the guest's clock. All in nanoseconds since 1970. */
export interface ClockReading {
  /** The node's clock before the question, and after the answer. */
  readonly asked: bigint;
  readonly answered: bigint;
  readonly guest: bigint;
}

/** What is to be done: nothing, let it run faster or slower (microseconds; positive: it is late), or set it. */
export type Correction = 'none' | 'set' | { readonly slew: number };

/** A difference below it is not worth a correction: the node's clock is read to a millisecond. */
const FINE_US = 2000;
/** Beyond it a clock that runs a little faster would be wrong for too long. */
const FAR_US = 500_000;

/** Decide from looks at the same clock, of which the quickest answer tells most. Pure. */
export function correctionOf(readings: readonly [ClockReading, ...ClockReading[]]): Correction {
  const { asked, answered, guest } = readings.reduce((best, each) => (wait(each) < wait(best) ? each : best));
  const doubt = Number((answered - asked) / 2n) / 1000;
  const late = Number((asked + answered) / 2n - guest) / 1000;
  if (Math.abs(late) <= doubt + FINE_US) return 'none';
  return Math.abs(late) > FAR_US ? 'set' : { slew: late };
}

function wait({ asked, answered }: ClockReading): bigint {
  return answered - asked;
}
