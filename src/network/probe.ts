import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { messageOf, VtorqueError } from '../base/index.ts';
import { type ProcessEnd, Tail } from '../process/index.ts';
import { jobnetFailure } from './errors.ts';
import { jobnetProgram } from './native/build.ts';

const PROBE_MS = 10_000;

/**
 * Whether a user can have a job's network on this node: it is made, and is gone again.
 * @returns why not; undefined when he can
 */
export async function whyNoJobNetwork(uid: number, gid: number): Promise<VtorqueError | undefined> {
  return tryIt(uid, gid).catch(
    (cause: unknown) =>
      new VtorqueError('E_NETWORK', `Cannot try to set up a job's network: ${messageOf(cause)}`, {
        hint: 'Set the installation up again: npm run setup',
        phase: 'network',
        cause,
      }),
  );
}

async function tryIt(uid: number, gid: number): Promise<VtorqueError | undefined> {
  // By descriptor: that user may have no way to where the program is.
  await using program = await open(jobnetProgram);
  const child = spawn('/proc/self/fd/3', ['probe'], {
    ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    stdio: ['ignore', 'ignore', 'pipe', program.fd],
    timeout: PROBE_MS,
    killSignal: 'SIGKILL',
  });
  const said = new Tail(child.stderr as NonNullable<typeof child.stderr>);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  const end: ProcessEnd = { code, signal };
  return code === 0 ? undefined : jobnetFailure(end, said.lines);
}
