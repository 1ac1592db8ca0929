import { messageOf, nearest, VtorqueError } from '../../base/index.ts';
import { findKey, type Origin, parseVmItem, type VmSetting } from '../../request/index.ts';
import { configKey, configNames, isConfigName, type Scope } from './keys.ts';
import { laterKeys } from './later-keys.ts';
import { isTable, type TomlFile, type TomlTable } from './toml.ts';

/** For whom a value holds: all, one queue, or nodes whose names fit a pattern. */
export type Holder =
  | { readonly kind: 'site' }
  | { readonly kind: 'queue'; readonly name: string }
  | { readonly kind: 'node'; readonly pattern: string };

/** One value of the file, checked. */
export interface ConfigEntry {
  readonly name: string;
  readonly holder: Holder;
  readonly value: unknown;
  readonly line?: number;
}

/** Something in the file that is wrong, or that does nothing. */
export interface ConfigProblem {
  readonly severity: 'error' | 'note';
  readonly line?: number;
  /** With its tables: `queues.batch.policy.max_ram`. */
  readonly key: string;
  readonly reason: string;
  readonly remedy: string;
}

export interface ReadConfig {
  readonly file: string;
  readonly entries: readonly ConfigEntry[];
  /** Defaults for -vm keys; of queues and of the site. */
  readonly defaults: readonly VmSetting[];
  readonly problems: readonly ConfigProblem[];
}

interface Reading {
  readonly toml: TomlFile;
  readonly entries: ConfigEntry[];
  readonly defaults: VmSetting[];
  readonly problems: ConfigProblem[];
}

/** Check all that is in a configuration file; every problem is found, not only the first. */
export function readConfig(toml: TomlFile): ReadConfig {
  const reading: Reading = { toml, entries: [], defaults: [], problems: [] };
  for (const [name, value] of Object.entries(toml.table)) {
    if (name === 'queues' || name === 'nodes') readOverrides(reading, name, value);
    else readSection(reading, { kind: 'site' }, [], name, value);
  }
  const { entries, defaults, problems } = reading;
  return { file: toml.file, entries, defaults, problems: problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}

function readOverrides(reading: Reading, kind: 'queues' | 'nodes', holders: unknown): void {
  if (!isTable(holders)) {
    problem(
      reading,
      [kind],
      'not a table',
      `Write [${kind}.${kind === 'queues' ? 'NAME' : '"PATTERN"'}.TABLE] headings`,
    );
    return;
  }
  for (const [name, sections] of Object.entries(holders)) {
    const holder: Holder = kind === 'queues' ? { kind: 'queue', name } : { kind: 'node', pattern: name };
    if (!isTable(sections)) {
      problem(reading, [kind, name], 'not a table', `Write [${kind}.${JSON.stringify(name)}.TABLE] headings`);
      continue;
    }
    for (const [section, value] of Object.entries(sections)) readSection(reading, holder, [kind, name], section, value);
  }
}

function readSection(reading: Reading, holder: Holder, above: string[], section: string, values: unknown): void {
  const path = [...above, section];
  if (!isTable(values)) {
    const known = nearest(section, sectionNames());
    problem(
      reading,
      path,
      'there is no such key',
      known ? `Did you mean [${known}]?` : `Tables: ${sectionNames().join(', ')}`,
    );
  } else if (section === 'defaults') {
    readDefaults(reading, holder, path, values);
  } else {
    for (const [last, value] of Object.entries(values)) readKey(reading, holder, path, last, value);
  }
}

function readKey(reading: Reading, holder: Holder, above: string[], last: string, value: unknown): void {
  const path = [...above, last];
  const name = `${above.at(-1)}.${last}`;
  if (Object.hasOwn(laterKeys, name)) {
    note(reading, path, 'without effect in this version', 'It may stay: a later version will use it');
    return;
  }
  if (!isConfigName(name)) {
    const known = nearest(name, [...configNames, ...Object.keys(laterKeys)]);
    const remedy = known === undefined ? 'See the keys in docs/configuration.md' : `Did you mean ${known}?`;
    problem(reading, path, 'there is no such key', remedy);
    return;
  }
  const { scope, type } = configKey(name);
  if (!allowed(scope, holder)) {
    const places = { site: 'for the whole site only', queue: 'for the site or a queue', node: 'for the site or nodes' };
    problem(
      reading,
      path,
      `it is set ${places[scope]}`,
      `Move it to [${name.split('.')[0]}]${scope === 'site' ? '' : ` or [${scope}s.NAME.${name.split('.')[0]}]`}`,
    );
    return;
  }
  try {
    reading.entries.push({ name, holder, value: type.read(value), ...lineOf(reading, path) });
  } catch (error) {
    problem(
      reading,
      path,
      `${shown(value)} cannot be used: ${messageOf(error)}`,
      `Write for instance ${last} = ${type.write(configKey(name).default)}`,
    );
  }
}

function allowed(scope: Scope, holder: Holder): boolean {
  return holder.kind === 'site' || holder.kind === scope;
}

function readDefaults(reading: Reading, holder: Holder, path: string[], values: TomlTable): void {
  if (holder.kind === 'node') {
    problem(
      reading,
      path,
      'nodes have no defaults: where a job runs is not known when it is submitted',
      'Use [defaults] or [queues.NAME.defaults]',
    );
    return;
  }
  const { file } = reading.toml;
  for (const [key, value] of Object.entries(values)) {
    const line = lineOf(reading, [...path, key]);
    const origin: Origin =
      holder.kind === 'queue'
        ? { kind: 'queue defaults', queue: holder.name, file, ...line }
        : { kind: 'site defaults', file, ...line };
    try {
      reading.defaults.push(...readDefault(key, value, origin));
    } catch (error) {
      if (!(error instanceof VtorqueError)) throw error;
      const remedy = error.hint ?? 'Leave it out';
      // A default for a feature to come is no mistake of the admin's: it does nothing yet.
      if (error.code === 'E_VM_KEY_UNAVAILABLE')
        note(reading, [...path, key], 'without effect in this version', 'It may stay: a later version will use it');
      else problem(reading, [...path, key], error.message, remedy);
    }
  }
}

/**
 * The settings of one key in a table of defaults: a text, number or boolean, or of a key that may be repeated a list.
 * @throws VtorqueError as `parseVmValue`
 */
export function readDefault(key: string, value: unknown, origin: Origin): VmSetting[] {
  const spec = findKey(key);
  const several = Array.isArray(value) && spec?.several !== undefined ? (value as unknown[]) : [value];
  return several.map((each) => {
    if (typeof each === 'string' || typeof each === 'number' || typeof each === 'boolean') {
      return parseVmItem(key, String(each), origin);
    }
    throw new VtorqueError('E_VM_VALUE', `Cannot use ${key} = ${shown(each)}: not a text, number or boolean`, {
      hint: `Write ${key} = "${spec?.type.syntax ?? 'VALUE'}"`,
      phase: 'check',
      exitCode: 2,
    });
  });
}

function sectionNames(): string[] {
  const names = [...configNames, ...Object.keys(laterKeys)].map((name) => name.split('.')[0] ?? name);
  return [...new Set([...names, 'defaults', 'queues', 'nodes'])];
}

function shown(value: unknown): string {
  return value instanceof Date ? String(value) : (JSON.stringify(value) ?? String(value));
}

function lineOf({ toml }: Reading, path: readonly string[]): { line?: number } {
  // A key of an inline table stands where the table stands.
  for (let length = path.length; length > 0; length--) {
    const line = toml.lineOf(path.slice(0, length));
    if (line !== undefined) return { line };
  }
  return {};
}

function problem(reading: Reading, path: string[], reason: string, remedy: string): void {
  reading.problems.push({ severity: 'error', ...lineOf(reading, path), key: path.join('.'), reason, remedy });
}

function note(reading: Reading, path: string[], reason: string, remedy: string): void {
  reading.problems.push({ severity: 'note', ...lineOf(reading, path), key: path.join('.'), reason, remedy });
}
