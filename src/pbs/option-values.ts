import { checkAttribute } from './attributes.ts';
import { qsubUsageError } from './errors.ts';
import { parseResourceList } from './resources.ts';
import { isJobName } from './script-text.ts';
import { parseVariables } from './variables.ts';

const CHECKPOINTS = ['n', 'c', 's', 'u', 'none', 'shutdown', 'periodic', 'enabled', 'interval', 'depth', 'dir'];

type Check = (value: string) => boolean;

// What qsub looks at before it asks the server; every other option's value is taken as it is.
const CHECKS: Readonly<Record<string, Check>> = {
  a: isDateTime,
  c: (value) => isCheckpointList(value),
  e: isPath,
  i: (value) => Number.parseInt(value, 10) > 0,
  j: (value) => ['oe', 'eo', 'n'].includes(value),
  k: (value) => ['o', 'e', 'oe', 'eo', 'n'].includes(value),
  K: (value) => Number.parseInt(value, 10) >= 1,
  L: (value) => value.startsWith('tasks='),
  // Neither "n" nor "p" stands with other letters.
  m: (value) => /^\s*([abef]+|n|p)$/.test(value),
  M: (value) => isAtList(value, { absolute: false, oneHost: false }),
  N: isJobName,
  o: isPath,
  p: (value) => /^\s*[-+]?\d+$/.test(value) && Math.abs(Number(value) + 0.5) <= 1024,
  r: (value) => value === 'y' || value === 'n',
  S: (value) => isAtList(value, { absolute: true, oneHost: true }),
  u: (value) => isAtList(value, { absolute: false, oneHost: true }),
};

const HINTS: Readonly<Record<string, string>> = {
  a: 'Write [[[[CC]YY]MM]DD]hhmm[.SS]',
  j: 'Write -j oe, -j eo or -j n',
  k: 'Write -k o, -k e, -k oe or -k n',
  m: 'Write -m n, or some of the letters a, b, e',
  N: 'A name has printable ASCII characters without blanks, at most 256',
  p: 'Write a number from -1024 to 1023',
  r: 'Write -r y or -r n',
  S: 'Write the absolute path of a shell',
};

/**
 * Check the value of option `name` as qsub does before it asks the server.
 * @throws VtorqueError `E_QSUB` with qsub's text and exit code
 */
export function checkOptionValue(name: string, value: string): void {
  if (name === 'P' && value === '') throw qsubUsageError('qsub: -P requires a user name');
  if (name === 'l') parseResourceList(value);
  if (name === 'v') parseVariables(value, {});
  if (name === 'W') checkAttribute(value);
  if (CHECKS[name]?.(value) ?? true) return;
  throw qsubUsageError(`qsub: illegal -${name} value${suffix(name, value)}`, HINTS[name]);
}

function suffix(name: string, value: string): string {
  if (name === 'i') return ` '${value}'`;
  if (name === 'L') return `: '${value}'`;
  return name === 'r' ? ' (y/n)' : '';
}

function isDateTime(value: string): boolean {
  const [, digits = '', seconds = '00'] = /^((?:\d{2}){2,6})(?:\.(\d{2}))?$/.exec(value) ?? [];
  const pairs = (digits.match(/\d{2}/g) ?? []).map(Number);
  const minute = pairs.pop() ?? 60;
  const hour = pairs.pop() ?? 24;
  const day = pairs.pop() ?? 1;
  const month = pairs.pop() ?? 1;
  return Number(seconds) < 60 && minute < 60 && hour < 24 && day >= 1 && day <= 31 && month >= 1 && month <= 12;
}

function isCheckpointList(value: string): boolean {
  const items = value.trimStart().split(',');
  return value.trim() !== '' && items.every((item) => CHECKPOINTS.includes(item.replace(/ *(=.*)?$/s, '')));
}

/** `path`, `host:path` or `host:`. A colon behind what is no host's name belongs to the path only if nothing of a name is before it. */
function isPath(value: string): boolean {
  const [, host, path = value] = /^\s*([\w.-]*):(.*)$/s.exec(value) ?? [];
  if (host === undefined && (value === '' || /^\s/.test(value) || /^[\w.-].*:/s.test(value))) return false;
  return /^[\x20-\x7e]*$/.test(path);
}

/** `name[@host],name[@host],...` */
function isAtList(value: string, options: { absolute: boolean; oneHost: boolean }): boolean {
  if (value === '') return false;
  const hosts = new Set<string>();
  for (const item of value.split(',')) {
    const [, name, host = ''] =
      /^([\x21\x22\x24-\x3f\x41-\x7e]+)(?:@([\x21\x22\x24-\x3f\x41-\x7e]+))?$/.exec(item.trim()) ?? [];
    if (name === undefined) return false;
    if (options.absolute && !name.startsWith('/')) return false;
    if (options.oneHost && hosts.has(host)) return false;
    hosts.add(host);
  }
  return true;
}
