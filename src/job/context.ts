import { definedOnly, shortName } from '../base/index.ts';
import { readPbsJob } from '../engine/index.ts';
import { existing, type JobContext, readOwner } from '../node/guest/index.ts';

/**
 * Read the job from the launcher's own process: environment, working directory, credentials.
 * @throws VtorqueError `E_NOT_IN_JOB` outside a batch job
 */
export async function readJobContext(): Promise<JobContext> {
  const own = definedOnly(process.env);
  const { id, env, hosts, nodeFile, engine, cluster, attempt, hookId } = await readPbsJob(own);
  const node = hosts[0]?.host ?? '';
  const owner = await readOwner();
  const cwd = process.cwd();
  return {
    key: { engine, cluster, jobId: hookId, attempt, node },
    ...{ id, owner, hosts, nodeIndex: 0, nodeFile, cwd },
    node: shortName(node),
    directories: await existing([owner.home, env.PBS_O_WORKDIR, env.PBS_O_INITDIR, env.PWD, cwd]),
    umask: process.umask(),
    env,
  };
}
