import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process one was, also for who asks later and elsewhere: its number alone may be another's by then. */
export interface ProcessIdentity {
  /** The machine, by its own name. */
  readonly host: string;
  /** Of the machine's kernel. */
  readonly boot: string;
  /** In which the number means something. */
  readonly namespace: string;
  readonly pid: number;
  /** When it was started, in ticks since the boot. */
  readonly born: string;
}

export function ownIdentity(): ProcessIdentity {
  const { born } = statOf('self');
  return { host: hostname(), boot: ownBoot(), namespace: ownNamespace(), pid: process.pid, born };
}

/** @returns undefined where it cannot be seen from here */
export function isAlive({ host, boot, namespace, pid, born }: ProcessIdentity): boolean | undefined {
  if (host !== hostname()) return undefined;
  if (boot !== ownBoot()) return false;
  if (namespace !== ownNamespace()) return undefined;
  try {
    const now = statOf(pid);
    // One that only waits to be reaped has ended.
    return now.born === born && now.state !== 'Z';
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ESRCH' ? false : undefined;
  }
}

function statOf(pid: number | 'self'): { readonly state: string; readonly born: string } {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The name of a program may have brackets and blanks.
  const words = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: words[0] ?? '', born: words[19] ?? '' };
}

function ownBoot(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function ownNamespace(): string {
  return readlinkSync('/proc/self/ns/pid');
}
