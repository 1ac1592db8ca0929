import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { messageOf, VtorqueError, within } from '../../../base/index.ts';
import type { ExecSpec, GuestAgent } from '../../../guest/linux/index.ts';
import { guestStuck, KILL_MS } from '../kinds/run-in-guest.ts';
import type { HookOutput } from './output.ts';

/** How a hook ended: with a code, by a signal, at its limit; or it could not be started. */
export type HookResult =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: number }
  | { readonly kind: 'late'; readonly seconds: number }
  | { readonly kind: 'not started'; readonly why: string };

const SIGKILL = 9;

/**
 * Run a program of the guest to its end, or until the time is over: then all of its process group is killed.
 * @throws VtorqueError `E_GUEST_LOST`; `E_GUEST_STUCK` when even the kill does not end it
 */
export async function runHook(
  agent: Pick<GuestAgent, 'exec'>,
  spec: ExecSpec,
  seconds: number,
  output: HookOutput,
): Promise<HookResult> {
  const program = agent.exec(spec);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    program.signal(SIGKILL);
  }, seconds * 1000);
  const outputs = [drain(program.stdout, output), drain(program.stderr, output)];
  try {
    const stuck = (): Error => guestStuck(spec.argv[0] ?? '');
    const end = await within(program.exit, { ms: seconds * 1000 + KILL_MS, late: stuck });
    await Promise.all(outputs);
    if (late) return { kind: 'late', seconds };
    return 'code' in end ? { kind: 'code', code: end.code } : { kind: 'signal', signal: end.signal };
  } catch (error) {
    if (!(error instanceof VtorqueError) || error.code !== 'E_GUEST_EXEC') throw error;
    return { kind: 'not started', why: messageOf(error).replace(/^.* in the guest: /, '') };
  } finally {
    clearTimeout(timer);
  }
}

async function drain(stream: Readable, output: HookOutput): Promise<void> {
  stream.on('data', (bytes: Buffer) => output.take(bytes));
  // The streams of a program that is lost fail, too; its own end says why.
  await finished(stream).catch(() => {});
}

/** In words: `ended with exit code 3`. */
export function describeResult(result: HookResult): string {
  switch (result.kind) {
    case 'code':
      return `ended with exit code ${result.code}`;
    case 'signal':
      return `was ended by signal ${result.signal}`;
    case 'late':
      return `was killed after ${result.seconds} s, its limit`;
    case 'not started':
      return `could not be started: ${result.why}`;
  }
}
