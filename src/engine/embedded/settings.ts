import { readFile } from 'node:fs/promises';
import { GiB, VtorqueError } from '../../base/index.ts';
import { formatWalltime, parseMem, parseWalltime } from '../../pbs/index.ts';
import { isTable, parseToml, type TomlTable } from '../../site/config/toml.ts';

/** A queue: what its jobs get unless told, what they may ask for at most. */
export interface Queue {
  readonly name: string;
  /** Takes jobs. */
  readonly enabled: boolean;
  /** Starts jobs. */
  readonly started: boolean;
  /** In their order; as qstat shows them. */
  readonly defaults: readonly (readonly [resource: string, value: string])[];
  readonly max: readonly (readonly [resource: string, value: string])[];
}

export interface Settings {
  readonly defaultQueue: string;
  readonly queues: readonly Queue[];
  /** Torque's $prologalarm: how long a hook may take, in seconds; see docs/local.md for what is made of it. */
  readonly prologAlarmS: number;
  /** A node on which a hook has failed gets no jobs any more. */
  readonly downOnError: boolean;
  /** Bytes that scripts and variables of the jobs of one user may take; managers have no limit. */
  readonly maxUserSpool: number;
}

const batchQueue: Queue = {
  name: 'batch',
  enabled: true,
  started: true,
  defaults: [
    ['walltime', '01:00:00'],
    ['nodes', '1'],
  ],
  max: [],
};

export const defaultSettings: Settings = {
  defaultQueue: 'batch',
  queues: [batchQueue],
  prologAlarmS: 300,
  downOnError: false,
  maxUserSpool: GiB,
};

const KEYS = ['default_queue', 'prologalarm', 'down_on_error', 'max_user_spool', 'queues'];
const QUEUE_KEYS = ['enabled', 'started', 'resources_default', 'resources_max'];
const DEFAULTS = ['walltime', 'nodes', 'mem'];
const LIMITS = ['walltime', 'nodect', 'mem'];

/**
 * Read the settings of an instance; without the file there is one queue, `batch`.
 * @throws VtorqueError `E_LOCAL_CONFIG` or `E_CONFIG_SYNTAX`
 */
export async function readSettings(file: string): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return defaultSettings;
    throw error;
  }
  return settingsFrom((await parseToml(text, file)).table, file);
}

/** Check a settings file. Pure. @throws VtorqueError `E_LOCAL_CONFIG` */
export function settingsFrom(table: TomlTable, file: string): Settings {
  const read = new Reader(file);
  read.known(table, KEYS, '');
  const given = table.queues === undefined ? { batch: {} } : read.table(table.queues, 'queues');
  const queues = Object.entries(given).map(([name, value]) => queueFrom(name, value, read));
  const [first] = queues;
  if (first === undefined) throw read.wrong('queues', 'there must be one at least');
  const defaultQueue = read.text(
    table.default_queue,
    'default_queue',
    queues.find(({ name }) => name === 'batch') ? 'batch' : first.name,
  );
  if (!queues.some(({ name }) => name === defaultQueue))
    throw read.wrong('default_queue', `there is no queue "${defaultQueue}"`);
  return {
    defaultQueue,
    queues,
    prologAlarmS: read.seconds(table.prologalarm, 'prologalarm', defaultSettings.prologAlarmS),
    downOnError: read.flag(table.down_on_error, 'down_on_error', defaultSettings.downOnError),
    maxUserSpool: read.bytes(table.max_user_spool, 'max_user_spool', defaultSettings.maxUserSpool),
  };
}

function queueFrom(name: string, value: unknown, read: Reader): Queue {
  const path = `queues.${name}`;
  if (!/^[A-Za-z][\w-]{0,14}$/.test(name)) throw read.wrong(path, 'a name has letters, digits, _ and -, at most 15');
  const table = read.table(value, path);
  read.known(table, QUEUE_KEYS, path);
  return {
    name,
    enabled: read.flag(table.enabled, `${path}.enabled`, true),
    started: read.flag(table.started, `${path}.started`, true),
    defaults:
      table.resources_default === undefined
        ? batchQueue.defaults
        : read.resources(table.resources_default, `${path}.resources_default`, DEFAULTS),
    max: read.resources(table.resources_max ?? {}, `${path}.resources_max`, LIMITS),
  };
}

/** Values of the file, each with an error that names its key. */
class Reader {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  wrong(key: string, why: string): VtorqueError {
    return new VtorqueError('E_LOCAL_CONFIG', `Cannot use "${this.#file}": ${key}: ${why}`, {
      hint: 'docs/local.md has all keys with their values',
    });
  }

  known(table: TomlTable, keys: readonly string[], path: string): void {
    const unknown = Object.keys(table).find((key) => !keys.includes(key));
    if (unknown === undefined) return;
    throw this.wrong(path === '' ? unknown : `${path}.${unknown}`, `unknown key; there are ${keys.join(', ')}`);
  }

  table(value: unknown, key: string): TomlTable {
    if (!isTable(value)) throw this.wrong(key, 'must be a table');
    return value;
  }

  text(value: unknown, key: string, otherwise: string): string {
    if (value !== undefined && typeof value !== 'string') throw this.wrong(key, 'must be a text');
    return value ?? otherwise;
  }

  flag(value: unknown, key: string, otherwise: boolean): boolean {
    if (value !== undefined && typeof value !== 'boolean') throw this.wrong(key, 'must be true or false');
    return value ?? otherwise;
  }

  seconds(value: unknown, key: string, otherwise: number): number {
    if (value === undefined) return otherwise;
    if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > 86_400) {
      throw this.wrong(key, 'must be a number of seconds, from 1 to 86400');
    }
    return value as number;
  }

  bytes(value: unknown, key: string, otherwise: number): number {
    if (value === undefined) return otherwise;
    try {
      return parseMem(String(value));
    } catch {
      throw this.wrong(key, `must be an amount of memory as for mem, for instance "1gb"`);
    }
  }

  resources(value: unknown, path: string, known: readonly string[]): [string, string][] {
    const table = this.table(value, path);
    this.known(table, known, path);
    return Object.entries(table).map(([name, text]) => {
      if (typeof text !== 'string' && typeof text !== 'number') throw this.wrong(`${path}.${name}`, 'must be a text');
      try {
        if (name === 'walltime') return [name, formatWalltime(parseWalltime(String(text)))];
        if (name === 'mem') parseMem(String(text));
      } catch {
        throw this.wrong(`${path}.${name}`, `"${text}" is no value of ${name}`);
      }
      if (name === 'nodect' && !/^[1-9]\d*$/.test(String(text)))
        throw this.wrong(`${path}.${name}`, 'must be a number');
      return [name, String(text)];
    });
  }
}
