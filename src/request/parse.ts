import { nearest, VtorqueError } from '../base/index.ts';
import { availableKeys, findKey, type KeySpec, vmKeys } from './keys.ts';
import { type Origin, withOrigin } from './origin.ts';
import { splitItems } from './split.ts';

/** One `key=value` that was asked for, checked. */
export interface VmSetting {
  readonly key: string;
  readonly value: unknown;
  /** As the user wrote it, without quotes. */
  readonly text: string;
  readonly origin: Origin;
  /** What the user should know about this way of writing it. */
  readonly warning?: string;
}

/**
 * Read one value of `-vm`: `key=value[,key=value...]`. Keys are the same in any case. A value with commas or blanks
 * stands in quotes of either kind; between quotes of the `"` kind and outside, a backslash takes the next character
 * as it is.
 * @throws VtorqueError `E_VM_SYNTAX`, `E_VM_KEY` (exit code 2), `E_VM_VALUE` (2, or 1 when out of bounds),
 *   `E_VM_KEY_UNAVAILABLE` (1)
 */
export function parseVmValue(text: string, origin: Origin = { kind: 'command line' }): VmSetting[] {
  return located(origin, () => splitItems(text).map(({ key, value }) => readSetting(key, value, origin)));
}

/**
 * Check one `key=value` that is already apart, as in a file of defaults.
 * @throws VtorqueError as `parseVmValue`
 */
export function parseVmItem(key: string, value: string, origin: Origin): VmSetting {
  return located(origin, () => readSetting(key, value, origin));
}

function readSetting(key: string, text: string, origin: Origin): VmSetting {
  const spec = findKey(key);
  if (spec === undefined) throw unknownKey(key);
  const value = spec.type.parse(text, spec.name);
  if (spec.availability !== 'now' && !spec.holds?.(value)) throw unavailable(spec, text);
  const warning = spec.type.warn?.(text, spec.name);
  return { key: spec.name, value, text, origin, ...(warning === undefined ? {} : { warning }) };
}

function located<T>(origin: Origin, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof VtorqueError ? withOrigin(error, origin) : error;
  }
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

function unavailable({ name, meanwhile, instead }: KeySpec, text: string): VtorqueError {
  const change = instead === undefined ? 'Leave it out' : `Leave it out, or write ${name}=${instead}`;
  return new VtorqueError('E_VM_KEY_UNAVAILABLE', `Cannot use ${name}=${text}: not available in this version`, {
    hint: `${change}; in this version ${meanwhile}`,
    phase: 'check',
    exitCode: 1,
  });
}
