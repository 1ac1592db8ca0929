import { JOB_MARK, jobMark } from '../leases/lease.ts';
import type { JobContext } from './context.ts';

/** QEMU keeps its temporary disk overlays in TMPDIR, and carries the job's mark; it needs nothing else. */
export function qemuEnvironment({ env, key }: JobContext): Record<string, string> {
  const path = env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  return { PATH: path, [JOB_MARK]: jobMark(key), ...(env.TMPDIR === undefined ? {} : { TMPDIR: env.TMPDIR }) };
}
