import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { within } from '../base/index.ts';

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
 * @returns undefined for one that is left
 */
export async function orLeft<End>(
  child: Pick<ChildProcess, 'pid' | 'unref' | 'stdio'>,
  program: string,
  ended: Promise<End>,
  withinMs = KILLED_WITHIN_MS,
): Promise<End | undefined> {
  const late = new Error('left');
  try {
    return await within(ended, { ms: withinMs, late: () => late });
  } catch (error) {
    if (error !== late) throw error;
    child.unref();
    for (const stream of child.stdio as readonly (Readable | Writable | null | undefined)[]) stream?.destroy();
    const which = `process ${child.pid} of ${hostname()} (${nameOf(child.pid) ?? program})`;
    const text = `${which} is left: it has not ended within ${withinMs / 1000} s of being killed`;
    for (const tell of listeners) tell(text);
    return undefined;
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
