import { VtorqueError } from '../base/index.ts';

/** What travels with a job is cut or altered. */
export function damaged(state: string, cause?: unknown): VtorqueError {
  return new VtorqueError('E_SUBMISSION_DAMAGED', `Cannot read the job's submission: ${state}`, {
    hint: 'Something between vsub and the node alters jobs; ask the admin about submit filters, then submit again',
    phase: 'submit',
    cause,
  });
}

/** @throws VtorqueError `E_SUBMISSION_VERSION` when another version of vTorque wrote it */
export function checkFormat(written: number, read: number): void {
  if (written === read) return;
  throw new VtorqueError(
    'E_SUBMISSION_VERSION',
    `Cannot read the job's submission: it has format ${written}, this vTorque reads format ${read}`,
    { hint: 'Install the same version of vTorque where jobs are submitted and on the nodes', phase: 'submit' },
  );
}
