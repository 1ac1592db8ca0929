import { open } from 'node:fs/promises';
import { messageOf, VtorqueError } from '../base/index.ts';
import { run } from '../process/index.ts';
import { jobnetFailure } from './errors.ts';
import { jobnetProgram } from './native/build.ts';

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
  const asUser =
    process.getuid?.() === 0 ? ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'] : [];
  const [first = '', ...more] = [...asUser, '/proc/self/fd/3', 'probe'];
  const probe = await run([first, ...more], { descriptors: [program.fd] });
  return probe.code === 0 ? undefined : jobnetFailure(probe, probe.said);
}
