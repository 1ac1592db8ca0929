import type { Env } from '../base/index.ts';
import { qsubError } from './errors.ts';

/**
 * Read the list of `-v`: names, whose values come from the environment (empty when they are not there), and
 * `NAME=VALUE`. Torque knows no quotes here. A comma in a value separates all the same, as qsub cuts the list
 * without looking at backslashes; backslashes are removed afterwards by the server.
 * @throws VtorqueError `E_QSUB` (exit code 3) for an item without a name
 */
export function parseVariables(list: string, env: Env): [name: string, value: string][] {
  return readVariableList(writeVariableList(list, env));
}

/** The names in a list of `-v`. */
export function variableNames(list: string): string[] {
  return parseVariables(list, {}).map(([name]) => name);
}

/** What qsub sends to the server: every item with a value, values from the environment escaped. */
export function writeVariableList(list: string, env: Env): string {
  const items: string[] = [];
  for (let rest: string | undefined = list; rest !== undefined; ) {
    const separator: number = rest.search(/[=,]/);
    if (separator === 0) {
      throw qsubError('invalid -v syntax', 3, 'Write -v NAME or -v NAME=VALUE, with commas between, no empty items');
    }
    const bare: boolean = separator < 0 || rest.charAt(separator) === ',' || /^=(,|$)/.test(rest.slice(separator));
    if (bare) {
      const name = separator < 0 ? rest : rest.slice(0, separator);
      items.push(`${name}=${escapeValue(valueIn(env, name))}`);
      rest = separator < 0 ? undefined : rest.slice(separator + 1).replace(/^,/, '');
      if (rest === '') rest = undefined;
    } else {
      const comma = rest.indexOf(',');
      items.push(comma < 0 ? rest : rest.slice(0, comma));
      rest = comma < 0 || comma === rest.length - 1 ? undefined : rest.slice(comma + 1);
    }
  }
  return items.filter((item) => item !== '=').join(',');
}

/** What a job is told of the environment in which it was submitted: `PBS_O_HOME` and others. */
export function originVariables(env: Env): [name: string, value: string][] {
  const names = ['HOME', 'LOGNAME', 'PATH', 'MAIL', 'SHELL', 'LANG', 'TZ'];
  return names.flatMap((name): [string, string][] => (env[name] === undefined ? [] : [[`PBS_O_${name}`, env[name]]]));
}

/** A name such as `toString` is no variable only because every object has it. */
function valueIn(env: Env, name: string): string {
  return (Object.hasOwn(env, name) ? env[name] : undefined) ?? '';
}

/** Write variables so that `readVariableList` reads them back: the form of Variable_List. */
export function formatVariables(variables: Iterable<readonly [name: string, value: string]>): string {
  return [...variables].map(([name, value]) => `${name}=${escapeValue(value)}`).join(',');
}

/** Read a list as the server does: split at commas and line ends without a backslash, trim, remove the backslashes. */
export function readVariableList(list: string): [name: string, value: string][] {
  const variables: [string, string][] = [];
  for (const [item] of list.matchAll(/(?:\\[\s\S]|[^\\,\n])+/g)) {
    const text = item.trim().replace(/\\([\s\S])/g, '$1');
    const equals = text.indexOf('=');
    if (equals > 0) variables.push([text.slice(0, equals), text.slice(equals + 1)]);
  }
  return variables;
}

function escapeValue(value: string): string {
  return value.replace(/["'\\\n,]/g, '\\$&');
}
