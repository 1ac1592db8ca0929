import { VtorqueError } from '../base/index.ts';
import { run } from './run.ts';

const CONFLICT = 75;
/** Who is not to wait has an answer at once, unless the file system itself does not answer. */
const ANSWER_MS = 10_000;

export interface DescriptorLock {
  readonly kind: 'shared' | 'exclusive';
  /** What it is that is locked, for the error. */
  readonly what: string;
  /** Milliseconds to wait for another holder; not at all without it. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Lock an open file. Node cannot: a lock of flock(2) belongs to the open file, not to a process, so what a small program takes on a descriptor that it
 * has from us stays with us when it has ended.
 * @returns false when somebody else has held it all the time
 * @throws VtorqueError `E_FLOCK` when the file cannot be locked at all; the signal's reason
 */
export async function lockDescriptor(fd: number, { kind, what, waitMs = 0, signal }: DescriptorLock): Promise<boolean> {
  const how = waitMs > 0 ? [] : ['--nonblock'];
  const flock = await run(['flock', `--${kind}`, ...how, '--conflict-exit-code', `${CONFLICT}`, '3'], {
    // Its own alarm would be blocked as all signals are.
    ...{ descriptors: [fd], withinMs: waitMs > 0 ? waitMs : ANSWER_MS, signal },
  });
  if (flock.code === 0) return true;
  if (flock.code === CONFLICT || (waitMs > 0 && flock.stopped)) return false;
  throw new VtorqueError('E_FLOCK', `Cannot lock ${what}: flock of util-linux ended with ${flock.ending}`, {
    hint: 'See that util-linux is installed, and that the file system has locks',
    details: flock.said,
  });
}
