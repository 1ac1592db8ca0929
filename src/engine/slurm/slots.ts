import type { Env } from '../../base/index.ts';
/** The slots of an interactive job on its nodes, behind its id: srun tells its task those of the step alone. */
export const SLOTS = 'VTORQUE_SLURM_SLOTS';

/** As `SLURM_TASKS_PER_NODE` was for the whole job. Not that of another job, from which this one may have been submitted. Pure. */
export function slotsOfJob(env: Env): string | undefined {
  const { SLURM_JOB_ID: id, [SLOTS]: text = '' } = env;
  return id !== undefined && text.startsWith(`${id}:`) ? text.slice(id.length + 1) : undefined;
}
