import type { Submission } from './job.ts';
import { type Alteration, PBSE, PbsError, type Request } from './protocol.ts';

type Kind = 'string' | 'number' | 'boolean' | 'strings' | 'pairs' | 'octal';
type Fields = Readonly<Record<string, Kind | `${Kind}?`>>;

/** The names of the fields of an operation. */
type FieldOf<Operation, Each = Request> = Each extends { readonly op: infer Op }
  ? Operation extends Op
    ? Exclude<keyof Each, 'op'>
    : never
  : never;

/**
 * The fields of each message, so that nothing of another type gets further; that none is forgotten, the compiler sees. A question mark:
 * may be left out.
 */
const REQUESTS: {
  readonly [Op in Request['op']]: Readonly<Record<FieldOf<Op>, Kind | `${Kind}?` | 'submission' | 'alteration'>>;
} = {
  submit: { submission: 'submission', body: 'number', authority: 'string?' },
  status: { ids: 'strings?', elements: 'boolean?', full: 'boolean?' },
  wait: { id: 'string' },
  delete: { id: 'string', elements: 'string?', delayMs: 'number?' },
  hold: { id: 'string', elements: 'string?', holds: 'string?' },
  release: { id: 'string', elements: 'string?', holds: 'string?' },
  alter: { id: 'string', elements: 'string?', change: 'alteration' },
  rerun: { id: 'string', force: 'boolean?' },
  signal: { id: 'string', signal: 'number' },
  task: { id: 'string' },
  nodes: {},
  server: {},
  mark: { node: 'string', offline: 'boolean?', reset: 'boolean?', note: 'string?' },
  info: {},
  stop: { killJobs: 'boolean' },
};

const SUBMISSION: Readonly<Record<keyof Submission, Fields[string]>> = {
  name: 'string',
  resources: 'pairs',
  queue: 'string',
  output: 'string?',
  error: 'string?',
  join: 'string',
  keep: 'string',
  hold: 'boolean',
  shell: 'string?',
  args: 'string?',
  array: 'string?',
  account: 'string?',
  depend: 'string?',
  jobType: 'string?',
  umask: 'octal?',
  killDelay: 'number?',
  rerunable: 'boolean',
  variables: 'pairs',
  workDir: 'string',
  initDir: 'string?',
  submitArgs: 'string',
  submitHost: 'string',
  interactive: 'boolean?',
  command: 'string?',
  display: 'string?',
  terminalType: 'string?',
  columns: 'number?',
  rows: 'number?',
};

const ALTERATION: Readonly<Record<keyof Alteration, `${Kind}?`>> = {
  name: 'string?',
  resources: 'pairs?',
  output: 'string?',
  error: 'string?',
  join: 'string?',
  keep: 'string?',
  shell: 'string?',
  account: 'string?',
  umask: 'octal?',
  rerunable: 'boolean?',
  variables: 'pairs?',
  depend: 'string?',
  holds: 'string?',
  slotLimit: 'number?',
};

/**
 * Check the types of a request's fields.
 * @throws PbsError for unknown operations and wrong types
 */
export function checkRequest(request: Request): Request {
  const fields: Readonly<Record<string, Fields[string] | 'submission' | 'alteration'>> | undefined = Object.hasOwn(
    REQUESTS,
    request.op,
  )
    ? REQUESTS[request.op]
    : undefined;
  if (fields === undefined) throw new PbsError(PBSE.PROTOCOL, `operation "${request.op}" is unknown`);
  for (const [name, kind] of Object.entries(fields)) {
    const value: unknown = Reflect.get(request, name);
    if (kind === 'submission') checkFields(name, value, SUBMISSION);
    else if (kind === 'alteration') checkFields(name, value, ALTERATION);
    else checkField(name, value, kind);
  }
  return request;
}

function checkFields(field: string, value: unknown, fields: Fields): void {
  if (typeof value !== 'object' || value === null) throw wrong(field);
  for (const [name, kind] of Object.entries(fields)) checkField(name, Reflect.get(value, name), kind);
  // What is not known must not get into a job.
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(fields, key));
  if (unknown !== undefined) throw wrong(unknown);
}

function checkField(name: string, value: unknown, kind: Kind | `${Kind}?`): void {
  if (value === undefined && kind.endsWith('?')) return;
  if (!isOf(value, kind.replace('?', '') as Kind)) throw wrong(name);
}

function isOf(value: unknown, kind: Kind): boolean {
  if (kind === 'number') return Number.isSafeInteger(value) && (value as number) >= 0;
  if (kind === 'strings') return Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (kind === 'pairs')
    return Array.isArray(value) && value.every((item) => isOf(item, 'strings') && item.length === 2);
  if (kind === 'octal') return typeof value === 'string' && /^[0-7]{1,6}$/.test(value);
  return typeof value === kind;
}

function wrong(name: string): PbsError {
  return new PbsError(PBSE.PROTOCOL, `request has a wrong field "${name}"`);
}
