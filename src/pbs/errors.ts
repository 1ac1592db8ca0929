import { VtorqueError } from '../base/index.ts';

/** What qsub prints after an error in its usage. */
export const qsubUsage: readonly string[] = [
  'usage: qsub [-a date_time] [-A account_string] [-b secs]',
  '    [-c [ none | { enabled | periodic | shutdown |',
  '    depth=<int> | dir=<path> | interval=<minutes>}... ]',
  '    [-C directive_prefix] [-d path] [-D path]',
  '    [-e path] [-h] [-I] [-j oe|eo|n] [-k {oe}] [-K <kill delay seconds>] ',
  '    [-l resource_list] [-m n|{abe}] [-M user_list] [-N jobname] [-o path] ',
  '    [-p priority] [-P proxy_user [-J <jobid]] [-q queue] [-r y|n] ',
  '    [-S path] [-t number_to_submit] [-T type]  [-u user_list] [-w] path',
  '    [-W additional_attributes] [-v variable_list] [-V ] [-x] [-X] [-z] [script]',
];

/** An error of qsub, with its own text and exit code: what is local to qsub fails the same way everywhere. */
export function qsubError(text: string, exitCode: number, hint?: string): VtorqueError {
  return new VtorqueError('E_QSUB', text, { exitCode, ...(hint === undefined ? {} : { hint }) });
}

/** An error after which qsub prints its usage and ends with 2. `text` goes between square brackets. */
export function qsubUsageError(text: string, hint?: string): VtorqueError {
  return new VtorqueError('E_QSUB', `[${text}]`, {
    exitCode: 2,
    details: ['', ...qsubUsage, ''],
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What qsub writes to its standard error for `error`, byte for byte. */
export function qsubErrorText(error: VtorqueError): string {
  return [error.message, ...error.details].map((line) => `${line}\n`).join('');
}
