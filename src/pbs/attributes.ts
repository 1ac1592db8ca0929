import { qsubUsageError } from './errors.ts';

/** One `name=value` of `-W`; text without a name is an extension for the resource manager: `x=...`. */
export function parseAttribute(text: string): { readonly name: string; readonly value: string } {
  const [, name, value] = /^\s*([^\s=]+)\s*=\s*(\S.*)$/s.exec(text.replace(/['"]/g, '')) ?? [];
  if (name !== undefined && value !== undefined) return { name, value };
  if (text.trim() === '') throw qsubUsageError('qsub: illegal -W value', 'Write -W NAME=VALUE');
  return { name: 'x', value: text.trim() };
}

/**
 * Check the value of `-W` as qsub does before it asks the server. An empty one is told off by qsub, and then ignored.
 * @throws VtorqueError `E_QSUB` with qsub's text, exit code 2
 */
export function checkAttribute(text: string): void {
  if (text.trim() === '') return;
  const { name, value } = parseAttribute(text);
  if (name === 'interactive' && value !== 'true') throw qsubUsageError('qsub: illegal -W value');
  if (name === 'umask' && value.replace(/^0/, '').length > 3) {
    throw qsubUsageError(`qsub: Invalid umask value, too many digits: ${value}`);
  }
  if (name === 'job_radix') checkRadix(value);
  if (name === 'fault_tolerant' && !/^[TtYyFfNn]/.test(value)) {
    throw qsubUsageError(`qsub: invalid fault_tolerant value: ${value}`, 'Write true or false');
  }
  if ((name === 'stagein' || name === 'stageout') && !isStageList(value)) {
    throw qsubUsageError(`qsub: illegal -W value for ${name}`, 'Write LOCAL@HOST:REMOTE[,LOCAL@HOST:REMOTE...]');
  }
}

function checkRadix(value: string): void {
  if (!/^\d{1,12}$/.test(value)) throw qsubUsageError('qsub: illegal -W value for job_radix');
  if (Number(value) < 2) throw qsubUsageError('qsub: illegal -W. job_radix must be >= 2');
}

function isStageList(value: string): boolean {
  return value.split(',').every((pair) => /^\s*[^\s@:]+@[^\s@:]+:\S+\s*$/.test(pair));
}
