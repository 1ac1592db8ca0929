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
 */
export function reportSubmission(submitted: Submitted, { json, request }: ReportOptions): number {
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
