import { nearest, VtorqueError } from '../base/index.ts';
import { availableKeys, findKey, vmKeys } from './keys.ts';
import { splitItems } from './split.ts';

/** Where a request was written, for error messages: `-vm` on the command line, or line 3 of the script. */
export type Origin = { readonly kind: 'command line' } | { readonly kind: 'script'; readonly line: number };

/** One `key=value` that was asked for, checked. */
export interface VmSetting {
  readonly key: string;
  readonly value: unknown;
  /** As the user wrote it, without quotes. */
  readonly text: string;
  readonly origin: Origin;
}

/**
 * Read one value of `-vm`: `key=value[,key=value...]`. Keys are the same in any case. A value with commas or blanks
 * stands in quotes of either kind; between quotes of the `"` kind and outside, a backslash takes the next character
 * as it is.
 * @throws VtorqueError `E_VM_SYNTAX`, `E_VM_KEY` (exit code 2), `E_VM_VALUE` (2, or 1 when out of bounds),
 *   `E_VM_KEY_UNAVAILABLE` (1)
 */
export function parseVmValue(text: string, origin: Origin = { kind: 'command line' }): VmSetting[] {
  try {
    return splitItems(text).map(({ key, value }) => {
      const spec = findKey(key);
      if (spec === undefined) throw unknownKey(key);
      const parsed = spec.type.parse(value, spec.name);
      if (spec.availability !== 'now') throw unavailable(spec.name);
      return { key: spec.name, value: parsed, text: value, origin };
    });
  } catch (error) {
    throw error instanceof VtorqueError ? at(origin, error) : error;
  }
}

/** The same error, saying where in the script its cause stands. */
export function at(origin: Origin, error: VtorqueError): VtorqueError {
  if (origin.kind !== 'script') return error;
  const { code, message, hint, phase, exitCode, details } = error;
  return new VtorqueError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(phase === undefined ? {} : { phase }),
    exitCode,
    details: [`in line ${origin.line} of the script`, ...details],
  });
}

function unknownKey(key: string): VtorqueError {
  const names = vmKeys.map((spec) => spec.name);
  const meant = nearest(key, names);
  const there = `Keys: ${availableKeys.map((spec) => spec.name).join(', ')}`;
  return new VtorqueError('E_VM_KEY', `Cannot use the -vm key "${key}": no such key`, {
    hint: meant === undefined ? there : `Did you mean "${meant}"? ${there}`,
    phase: 'check',
    exitCode: 2,
  });
}

function unavailable(key: string): VtorqueError {
  return new VtorqueError('E_VM_KEY_UNAVAILABLE', `Cannot use the -vm key "${key}": not available in this version`, {
    hint: `Leave it out. Keys of this version: ${availableKeys.map((spec) => spec.name).join(', ')}`,
    phase: 'check',
    exitCode: 1,
  });
}
