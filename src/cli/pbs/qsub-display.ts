import { hostname } from 'node:os';
import type { Env } from '../../base/index.ts';
import { qsubUsageError } from '../../pbs/index.ts';
import { authorityFile, COOKIE_PROTOCOL, cookieOf, parseDisplay, readAuthority } from '../../x11/index.ts';

/** What a job with -X gets: it runs on this machine, so it uses the submitter's display itself. */
export interface DisplayForJob {
  readonly display: string;
  /** The content of an X authority file of the job's own, since the submitter's may be gone when it runs. */
  readonly authority: Buffer;
}

/** @throws VtorqueError `E_QSUB` in qsub's words */
export async function displayForJob(env: Env): Promise<DisplayForJob> {
  const { DISPLAY = '' } = env;
  const display = parseDisplay(DISPLAY);
  const cookie = display === undefined ? undefined : await cookieOf(display, await readAuthority(env));
  if (display === undefined || cookie === undefined) {
    throw qsubUsageError('qsub: Failed to get xauth data (check $DISPLAY variable)');
  }
  return { display: DISPLAY, authority: authorityFile(hostname(), display.number, COOKIE_PROTOCOL, cookie) };
}
