import type { Env } from '../../base/index.ts';
import type { Allocation } from '../engine.ts';

/** What PBS_ENVIRONMENT is in interactive jobs: Slurm does not tell them from others, what submits them does. */
export const INTERACTIVE = 'PBS_INTERACTIVE';

/**
 * What PBS would have set for a job: scripts look for it. Those of the submission (PBS_O_...) came with the job. Pure.
 * @param env of the job, from Slurm
 */
export function pbsVariables(
  env: Env,
  { jobId, nodes, nodeIndex }: Allocation,
): Record<string, string> & { readonly PBS_JOBID: string } {
  const slots = nodes.map(({ slots: each }) => each);
  const { SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: element } = env;
  const interactive = env.PBS_ENVIRONMENT === INTERACTIVE;
  return {
    PBS_JOBID: array && element ? `${array}_${element}` : jobId,
    PBS_JOBNAME: env.SLURM_JOB_NAME ?? '',
    PBS_QUEUE: env.SLURM_JOB_PARTITION ?? '',
    ...(interactive ? { PBS_ENVIRONMENT: INTERACTIVE } : { PBS_ENVIRONMENT: 'PBS_BATCH', ENVIRONMENT: 'BATCH' }),
    PBS_NODENUM: String(nodeIndex),
    PBS_NUM_NODES: String(nodes.length),
    PBS_NUM_PPN: String(slots[0] ?? 1),
    PBS_NP: String(slots.reduce((sum, each) => sum + each, 0)),
    ...(element === undefined ? {} : { PBS_ARRAYID: element }),
  };
}
