import { type JobId, parseJobId } from '../../pbs/index.ts';

/** Whether two names may be one host's, as far as both are known: `head` is `head.site`, `n1` is not `n10`. Pure. */
export function sameHost(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  const [short = '', long = ''] = [a.toLowerCase(), b.toLowerCase()].sort((x, y) => x.length - y.length);
  return long === short || long.startsWith(`${short}.`);
}

/**
 * What is known of jobs, under the names by which they were asked for. An array that is not there itself is told by its elements.
 * Pure.
 * @param combine makes one of all elements of an array; there is at least one
 */
export function byAskedName<T extends { readonly id: string }>(
  asked: readonly string[],
  known: readonly T[],
  combine: (id: string, elements: readonly T[]) => T,
): Map<string, T> {
  const bySequence = new Map<number, { readonly id: JobId; readonly job: T }[]>();
  for (const job of known) {
    const id = parseJobId(job.id);
    if (id === undefined) continue;
    const others = bySequence.get(id.sequence);
    if (others === undefined) bySequence.set(id.sequence, [{ id, job }]);
    else others.push({ id, job });
  }
  const found = new Map<string, T>();
  for (const name of asked) {
    const id = parseJobId(name);
    if (id === undefined) continue;
    const there = (bySequence.get(id.sequence) ?? []).filter((each) => sameHost(each.id.server, id.server));
    const [one] = there.filter((each) => each.id.element === id.element);
    const elements = there.filter((each) => typeof each.id.element === 'number').map(({ job }) => job);
    if (one !== undefined) found.set(name, one.job);
    else if (id.element === 'all' && elements.length > 0) found.set(name, combine(name, elements));
  }
  return found;
}
