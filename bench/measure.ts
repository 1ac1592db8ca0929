/** Times of one thing done several times, in milliseconds. */
export interface Measurement {
  readonly what: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

export function summarize(what: string, times: readonly number[]): Measurement {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (index: number): number => Math.round((sorted[index] ?? Number.NaN) * 10) / 10;
  return { what, median: at(sorted.length >> 1), min: at(0), max: at(sorted.length - 1), runs: sorted.length };
}

/** Do several things in turn, so that a busy moment of the machine meets all of them. */
export async function measureInTurn(
  runs: number,
  things: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<Measurement[]> {
  const times = new Map<string, number[]>();
  for (let run = 0; run <= runs; run++) {
    for (const [what, work] of Object.entries(things)) {
      const from = performance.now();
      await work();
      // The first round fills caches and does not count.
      if (run > 0) times.set(what, [...(times.get(what) ?? []), performance.now() - from]);
    }
  }
  return [...times].map(([what, list]) => summarize(what, list));
}
