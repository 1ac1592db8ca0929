import { readPbsJob } from '../engine/index.ts';
import { existing, type JobContext, readOwner, shortName } from '../node/guest/index.ts';

/**
 * Read the job from the launcher's own process: environment, working directory, credentials.
 * @throws VtorqueError `E_NOT_IN_JOB` outside a batch job
 */
export async function readJobContext(): Promise<JobContext> {
  const own = Object.fromEntries(Object.entries(process.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
  const { id, env, hosts, nodeFile } = await readPbsJob(own);
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
