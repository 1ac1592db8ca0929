import { text } from 'node:stream/consumers';
import { VtorqueError, within } from '../../../base/index.ts';
import type { GuestAgent } from '../../../guest/linux/index.ts';

export interface GuestRun {
  /** `exit code 0`, `signal 9`, `no end within 60 s`. */
  readonly ended: string;
  /** The last lines that it printed. */
  readonly output: readonly string[];
}

const SIGKILL = 9;
const linesKept = 10;

/** A killed program is gone within this time, or its guest is in no good state. */
export const KILL_MS = 10_000;

/**
 * Run a small program of the guest, to its end or until the time is over, when it is killed.
 * @param as whom; its root unless told
 * @throws VtorqueError `E_GUEST_STUCK` when even the kill does not end it; when the guest is gone
 */
export async function runInGuest(
  agent: GuestAgent,
  argv: readonly string[],
  withinMs: number,
  { uid, gid }: { readonly uid: number; readonly gid: number } = { uid: 0, gid: 0 },
): Promise<GuestRun> {
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
  const program = agent.exec({ argv, env, uid, gid, groups: [] });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    program.signal(SIGKILL);
  }, withinMs);
  try {
    const outputs = [text(program.stdout), text(program.stderr)];
    // The streams of a program that is lost fail too; its own end says why.
    for (const output of outputs) output.catch(() => {});
    const end = await within(program.exit, { ms: withinMs + KILL_MS, late: () => guestStuck(argv[0] ?? '') });
    const output = (await Promise.all(outputs)).join('').split('\n').filter(Boolean).slice(-linesKept);
    const ended = 'code' in end ? `exit code ${end.code}` : `signal ${end.signal}`;
    return { ended: late ? `no end within ${withinMs / 1000} s` : ended, output };
  } finally {
    clearTimeout(timer);
  }
}

/** What waits in the guest's kernel, for a disk or for a share, nobody can end. */
export function guestStuck(program: string): VtorqueError {
  return new VtorqueError('E_GUEST_STUCK', `Cannot end "${program}" in the guest: it goes on although it was killed`, {
    hint: 'It waits for something in the kernel of the guest: see whether the file systems of the node answer',
    phase: 'guest',
  });
}
