import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { within } from '../base/index.ts';
import type { ProcessEnd, Started } from './start.ts';

/** In less the kernel gives back all the memory of a large machine. */
const KILLED_WITHIN_MS = 30_000;

type Listener = (text: string) => void;
const listeners = new Set<Listener>();

/** Be told, in words, of each process that is left: who ends processes is far from who can tell the user, and mostly has an error of its own. */
export function onProcessLeft(tell: Listener): Disposable {
  listeners.add(tell);
  return { [Symbol.dispose]: () => void listeners.delete(tell) };
}

/**
 * Wait for a child that was killed. One that waits in the kernel, for instance for a file server that does not answer, ends when that does, and not before: it is left,
 * all listeners are told, and this process can end without it.
 * @param program for the words, where the kernel has no better name by now
 * @returns its end, which says so of one that is left
 */
export async function orLeft(
  child: Pick<Started, 'pid' | 'ended' | 'abandon'>,
  program: string,
  withinMs = KILLED_WITHIN_MS,
): Promise<ProcessEnd> {
  const late = new Error('left');
  try {
    return await within(child.ended, { ms: withinMs, late: () => late });
  } catch (error) {
    if (error !== late) throw error;
    child.abandon();
    const which = `process ${child.pid} of ${hostname()} (${nameOf(child.pid) ?? program})`;
    const text = `${which} is left: it has not ended within ${withinMs / 1000} s of being killed`;
    for (const tell of listeners) tell(text);
    return { code: null, signal: null, left: true };
  }
}

/** A child may have become another program. */
function nameOf(pid: number | undefined): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
