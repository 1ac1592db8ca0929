import { messageOf } from '../../base/index.ts';
import { findKey } from '../../request/index.ts';
import { type ConfigName, configKey, configNames } from './keys.ts';
import { defaultsOf2018, goneKeys, laterKeys } from './later-keys.ts';
import { type Assignment, readAssignments } from './shell-assignments.ts';

/** What the admin should know about one line of the old file. */
export interface ImportNote {
  readonly line: number;
  readonly key: string;
  readonly note: string;
}

export interface ImportedConfig {
  /** The new file. */
  readonly toml: string;
  readonly notes: readonly ImportNote[];
}

/**
 * Translate the `config.sh` of the 2018 system. The file is read, never executed; of several assignments to one key
 * the last counts.
 */
export function importConfig2018(script: string, file: string): ImportedConfig {
  const last = new Map(readAssignments(script).map((assignment) => [assignment.name, assignment]));
  const values = new Map<string, string>();
  const notes: ImportNote[] = [];
  for (const { name, line, words } of last.values()) {
    const result = translate(name, words);
    for (const [key, value] of Object.entries(result.values ?? {})) values.set(key, value);
    if (result.note !== undefined) notes.push({ line, key: name, note: result.note });
  }
  const domains = searchList(last);
  if (domains.length > 0) values.set('network.search', configKey('network.search').type.write(domains));
  return {
    toml: [`# Translated from ${JSON.stringify(file)} of vTorque 2018.`, ...tables(values), ''].join('\n'),
    notes,
  };
}

/** The file's lines, with the keys of each table together. */
function tables(values: ReadonlyMap<string, string>): string[] {
  const names = [...new Set([...values.keys()].map((key) => key.split('.')[0] ?? ''))];
  return names.flatMap((table) => [
    ...['', `[${table}]`],
    ...[...values].flatMap(([key, value]) =>
      key.startsWith(`${table}.`) ? [`${key.slice(table.length + 1)} = ${value}`] : [],
    ),
  ]);
}

/** What becomes of one old key: new keys with their values in TOML, and what the admin should know. */
interface Translation {
  readonly values?: Readonly<Record<string, string>>;
  readonly note?: string;
}

function translate(name: string, words: readonly string[] | undefined): Translation {
  const gone = Object.hasOwn(goneKeys, name) ? goneKeys[name] : undefined;
  if (gone !== undefined) return { note: `no longer needed: ${gone}` };
  if (words === undefined) return { note: 'only a shell can tell its value: set it by hand' };
  const value = words.join(' ');
  const key = Object.hasOwn(defaultsOf2018, name) ? defaultsOf2018[name] : undefined;
  if (key !== undefined) return translateDefault(key, value);
  const successor = configNames.find((each) => configKey(each).was.includes(name));
  if (successor !== undefined) return value === '' ? {} : translateKey(successor, name, value);
  const [later] = Object.entries(laterKeys).find(([, { was }]) => was.includes(name)) ?? [];
  if (later === undefined) return { note: 'not a key of 2018 that is known: left out' };
  if (value === '') return {};
  return { values: { [later]: tomlValue(words) }, note: `${later} is without effect in this version` };
}

function translateDefault(key: string, value: string): Translation {
  if (value === '') return {};
  // Memory was in MB; a boolean as a number is a shell's.
  const megabytes = key === 'ram' || key === 'unclot_shmem';
  const text = megabytes && /^\d+$/.test(value) ? `${value}M` : value;
  const spec = findKey(key);
  try {
    const parsed = spec?.type.parse(text, key);
    const values = { [`defaults.${key}`]: tomlValue([typeof parsed === 'boolean' ? String(parsed) : text]) };
    if (key === 'img') return { values, note: 'the pool must have an image of this name; or choose another default' };
    if (spec?.availability === 'now' || spec?.holds?.(parsed)) return { values };
    return { values, note: `the -vm key "${key}" is without effect in this version` };
  } catch (error) {
    return { note: `${messageOf(error)}: set defaults.${key} by hand` };
  }
}

function translateKey(successor: ConfigName, name: string, value: string): Translation {
  const as = (typed: unknown): Translation => ({ values: { [successor]: configKey(successor).type.write(typed) } });
  const byHand = (why: string): Translation => ({ note: `"${value}" ${why}: set ${successor} by hand` });
  switch (name) {
    case 'SEARCH_DOMAIN':
    case 'DOMAIN':
      return {}; // Both are one list now: see searchList.
    case 'NAME_SERVER':
      return as(value.split(/[\s,]+/));
    case 'HOST_OS_RAM_MB':
      return /^\d+$/.test(value) ? as(Number(value) * 1024 ** 2) : byHand('is no number of MB');
    case 'CUSTOM_IP_MAPPING':
      return value === 'true' ? as('script') : {};
    case 'IP_TO_MAC_SCRIPT':
      return as(value);
    case 'PBS_EXCLUSIVE_NODE_ALLOC':
      return value === 'true' ? as('uniqueuser') : {};
    case 'VM_NFS_WS':
    case 'VM_NFS_OPT':
      return byHand('was an NFS export that guests mounted; now it is a directory of the nodes');
    case 'DISABLED_HOSTS_LIST': {
      const patterns = value.split(/[|\s]+/).map((each) => each.replaceAll('.*', '*').replace(/^[\^(]+|[$)]+$/g, ''));
      const regular = patterns.some((each) => /[\\[\](){}+^$]/.test(each));
      return regular ? byHand('is a regular expression, now there are patterns with * and ?') : as(patterns);
    }
    default:
      return /^(true|false|\d+)$/.test(value) ? { values: { [successor]: value } } : byHand('cannot be translated');
  }
}

/** The domain comes first in the search list, as resolvers do it. */
function searchList(last: ReadonlyMap<string, Assignment>): string[] {
  const named = ['DOMAIN', 'SEARCH_DOMAIN'].flatMap((name) => (last.get(name)?.words ?? []).join(' ').split(/[\s,]+/));
  return [...new Set(named.filter((domain) => domain !== ''))];
}

function tomlValue(words: readonly string[]): string {
  const [only = ''] = words;
  if (words.length !== 1) return `[${words.map((word) => JSON.stringify(word)).join(', ')}]`;
  return /^(true|false|0|[1-9]\d*)$/.test(only) ? only : JSON.stringify(only);
}
