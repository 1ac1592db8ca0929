import { type Env, VtorqueError } from '../base/index.ts';
import type { EngineName, JobEngine } from './engine.ts';

/**
 * The batch system whose job this process is part of.
 * @throws VtorqueError `E_NOT_IN_JOB`
 */
export async function findJobEngine(env: Env): Promise<JobEngine> {
  const name = jobEngineName(env);
  switch (name) {
    case 'embedded':
      return (await import('./embedded/job-engine.ts')).embeddedJobEngine(env);
    case 'torque':
      return (await import('./torque/job-engine.ts')).torqueJobEngine(env);
    case 'openpbs':
      return (await import('./openpbs/job-engine.ts')).openpbsJobEngine(env);
    case 'slurm': {
      const { SlurmJobEngine } = await import('./slurm/job-engine.ts');
      return new SlurmJobEngine(env);
    }
    case undefined:
      throw new VtorqueError('E_NOT_IN_JOB', 'Cannot find the batch system of this job: PBS_JOBID is not set', {
        hint: 'This is started by a batch system; submit the job with vsub',
        phase: 'plan',
      });
  }
}

/** From what each batch system alone puts into a job's environment, whatever a user has handed on with -V. Pure. */
export function jobEngineName(env: Env): EngineName | undefined {
  // A plugin of Slurm sets variables of PBS, too, and so does our launcher there; none of them the cookie.
  if (env.SLURM_JOB_ID && !env.PBS_JOBCOOKIE) return 'slurm';
  if (!env.PBS_JOBID) return undefined;
  if (env.PBS_VERSION?.startsWith('vtorque-')) return 'embedded';
  return env.PBS_VERSION === undefined && env.PBS_JOBDIR ? 'openpbs' : 'torque';
}
