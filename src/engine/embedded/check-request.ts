import { type Alteration, PBSE, PbsError, type Request } from './protocol.ts';

type Kind = 'string' | 'number' | 'boolean' | 'strings' | 'pairs';

/** The fields of each message, so that nothing of another type gets further. A question mark: may be left out. */
const REQUESTS: Readonly<
  Record<Request['op'], Readonly<Record<string, Kind | `${Kind}?` | 'submission' | 'alteration'>>>
> = {
  submit: { submission: 'submission', body: 'number' },
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

const SUBMISSION: Readonly<Record<string, Kind | `${Kind}?`>> = {
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
  umask: 'string?',
  killDelay: 'number?',
  rerunable: 'boolean',
  variables: 'pairs',
  workDir: 'string',
  initDir: 'string?',
  submitArgs: 'string',
  submitHost: 'string',
  interactive: 'boolean?',
  command: 'string?',
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
  umask: 'string?',
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
  const fields = Object.hasOwn(REQUESTS, request.op) ? REQUESTS[request.op] : undefined;
  if (fields === undefined) throw new PbsError(PBSE.PROTOCOL, `operation "${request.op}" is unknown`);
  for (const [name, kind] of Object.entries(fields)) {
    const value: unknown = Reflect.get(request, name);
    if (kind === 'submission') checkFields(name, value, SUBMISSION);
    else if (kind === 'alteration') checkAlteration(name, value);
    else checkField(name, value, kind);
  }
  return request;
}

/** What is not known must not get into a job. */
function checkAlteration(name: string, value: unknown): void {
  checkFields(name, value, ALTERATION);
  const unknown = Object.keys(value as object).find((key) => !Object.hasOwn(ALTERATION, key));
  if (unknown !== undefined) throw wrong(unknown);
}

function checkFields(field: string, value: unknown, fields: typeof SUBMISSION): void {
  if (typeof value !== 'object' || value === null) throw wrong(field);
  for (const [name, kind] of Object.entries(fields)) checkField(name, Reflect.get(value, name), kind);
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
  return typeof value === kind;
}

function wrong(name: string): PbsError {
  return new PbsError(PBSE.PROTOCOL, `request has a wrong field "${name}"`);
}
