import { VtorqueError } from '../../base/index.ts';

/** What qsub has and Slurm has not, or not in a way that means the same. */
export function notOnSlurm(what: string, hint: string): VtorqueError {
  return new VtorqueError('E_NOT_ON_SLURM', `Cannot use ${what}: Slurm has nothing that means the same`, {
    hint,
    phase: 'check',
  });
}
