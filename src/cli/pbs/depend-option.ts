import { MISSING_DEPENDENCIES, parseDepend } from '../../engine/embedded/depend.ts';
import { qsubUsageError } from '../../pbs/index.ts';
import { notAvailable } from './command.ts';

/**
 * Check the text of -W depend=.
 * @returns the text
 * @throws VtorqueError `E_QSUB` in qsub's words, CommandError for kinds that this batch system has not
 */
export function checkDepend(command: string, text: string): string {
  const list = parseDepend(text, '');
  if (list === undefined) throw qsubUsageError('qsub: illegal -W value', 'Write -W depend=afterok:JOB[:JOB...]');
  const missing = list.find(({ type }) => MISSING_DEPENDENCIES.has(type));
  if (missing !== undefined) throw notAvailable(command, `-W depend=${missing.type}`);
  return text;
}
