import { messageOf, plural } from '../../base/index.ts';
import { type Counter, type Counters, countersDirectory, type Event, readCounters } from '../../telemetry/index.ts';
import { type Check, type DoctorDeps, fine, warning } from './finding.ts';

/** How VMs have started. */
export const warmStartChecks: readonly Check[] = [{ name: 'warm starts', roles: ['node'], run: warmStarts }];

/** For how long a fall-back is worth a warning. */
const LATELY_MS = 7 * 24 * 3_600_000;

async function warmStarts({ places }: DoctorDeps): ReturnType<Check['run']> {
  const own = places.at(-1);
  if (own === undefined) return [];
  try {
    return [findingOf(await readCounters(countersDirectory(own.state)), Date.now())];
  } catch (cause) {
    return [warning(messageOf(cause), 'See who owns the directory, and its mode')];
  }
}

/** @param now milliseconds since 1970. Pure. */
export function findingOf({ counters, since }: Counters, now: number): ReturnType<typeof fine> {
  const starts = counters.filter(({ event: [what] }) => what === 'start');
  if (starts.length === 0) return fine('no VM of yours has started on this machine yet');
  const of = (how: Event[1]): Counter[] => starts.filter(({ event }) => event[1] === how);
  const fallbacks = of('fallback');
  const counted = [
    summaryOf(of('warm'), (n) => `${n} warm`),
    summaryOf(of('cold'), (n) => `${n} cold`),
    summaryOf(fallbacks, (n) => plural(n, 'fall-back')),
  ].filter((part) => part !== '');
  const text = `${counted.join(', ')}${since === undefined ? '' : `, since ${dayOf(since)}`}`;
  const last = Math.max(0, ...fallbacks.map((counter) => counter.last));
  if (now - last > LATELY_MS) return fine(text);
  return warning(
    `${text}; the last fall-back on ${dayOf(last)}`,
    'A fall-back boots since a start from a template has failed: "vtorque jobs" shows which jobs did, and why',
  );
}

/** `3 cold (2 warm=off, 1 site)`, the most frequent reason first. */
function summaryOf(counters: readonly Counter[], words: (total: number) => string): string {
  const reasons = counters
    .toSorted((a, b) => b.value - a.value)
    .flatMap(({ event: [, , reason], value }) => (reason === undefined ? [] : [`${value} ${reason}`]));
  const total = counters.reduce((sum, { value }) => sum + value, 0);
  if (total === 0) return '';
  return reasons.length === 0 ? words(total) : `${words(total)} (${reasons.join(', ')})`;
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
