import { VtorqueError } from '../base/index.ts';
import { describeEnd, spawnBound } from './bound-process.ts';

const PATH = '/usr/local/bin:/usr/bin:/bin';
const CONFLICT = 75;

/**
 * Lock an open file, if nobody else holds it locked. Node cannot: a lock of flock(2) belongs to the open file, not to a process, so what a small
 * program takes on a descriptor that it has from us stays with us when it has ended.
 * @param what it is that is locked, for the error
 * @returns false when somebody else holds it
 * @throws VtorqueError `E_FLOCK` when the file cannot be locked at all
 */
export async function lockDescriptor(fd: number, kind: 'shared' | 'exclusive', what: string): Promise<boolean> {
  const args = [`--${kind}`, '--nonblock', '--conflict-exit-code', `${CONFLICT}`, '3'];
  // What the batch system sends to all processes of a job must not end it in between; its own alarm would be blocked, too.
  const child = await spawnBound({ program: 'flock', args, env: { PATH }, descriptors: [fd] });
  const end = await child.ended;
  if (end.code === 0 || end.code === CONFLICT) return end.code === 0;
  throw new VtorqueError('E_FLOCK', `Cannot lock ${what}: flock of util-linux ended ${describeEnd(end)}`, {
    phase: 'plan',
    details: child.stderr.lines,
  });
}
