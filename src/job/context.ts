import { readFile } from 'node:fs/promises';
import { VtorqueError } from '../base/index.ts';
import { existing, type JobContext, readOwner, shortName } from '../node/guest/index.ts';
import { parseNodeFile } from '../pbs/index.ts';

/**
 * Read the job from the launcher's own process: environment, working directory, credentials.
 * @throws VtorqueError `E_NOT_IN_JOB` outside a batch job
 */
export async function readJobContext(): Promise<JobContext> {
  const env = Object.fromEntries(Object.entries(process.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
  const { PBS_JOBID: id, PBS_NODEFILE: nodeFile } = env;
  if (!id || !nodeFile) {
    throw new VtorqueError('E_NOT_IN_JOB', 'Cannot launch: PBS_JOBID or PBS_NODEFILE is not set', {
      hint: 'The launcher is started by a batch system; submit the job with vsub',
      phase: 'plan',
    });
  }
  const hosts = parseNodeFile(await readFile(nodeFile, 'utf8'));
  const owner = await readOwner();
  const cwd = process.cwd();
  return {
    ...{ id, owner, hosts, rank: 0, nodeFile, cwd },
    node: shortName(hosts[0]?.host ?? ''),
    directories: await existing([owner.home, env.PBS_O_WORKDIR, env.PBS_O_INITDIR, env.PWD, cwd]),
    umask: process.umask(),
    env,
  };
}
