import { VtorqueError } from '../../base/index.ts';
import type { Submitted } from '../../engine/index.ts';
import type { VmRequest } from '../../request/index.ts';
import { print } from '../print.ts';

export interface ReportOptions {
  /** Print the job's id as JSON, with the request. */
  readonly json: boolean;
  readonly request?: VmRequest | undefined;
}

/**
 * Print what a submission has come to, as qsub does.
 * @returns the exit code
 * @throws VtorqueError `E_QSUB` in qsub's words, where they were kept for that
 */
export function reportSubmission(submitted: Submitted, { json, request }: ReportOptions): number {
  const errors = submitted.errors ?? '';
  if (json && submitted.errors !== undefined && !('id' in submitted)) {
    throw new VtorqueError(
      'E_QSUB',
      errors.trim() || `The batch system refused the job with exit code ${submitted.code}`,
      {
        phase: 'submit',
        exitCode: submitted.code,
      },
    );
  }
  if (errors !== '') process.stderr.write(errors);
  print(textOf(submitted, { json, request }));
  return submitted.code;
}

function textOf(submitted: Submitted, { json, request }: ReportOptions): string {
  if (!('id' in submitted)) return submitted.output;
  const { id } = submitted;
  if (json) return `${JSON.stringify({ id, ...(request === undefined ? {} : { request }) })}\n`;
  // With -z qsub says nothing.
  return id === '' ? '' : `${id}\n`;
}
