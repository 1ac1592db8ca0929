import { messageOf, sha256, shellQuote } from '../base/index.ts';
import type { HookedJob, UserHook, UserHookName } from '../node/guest/index.ts';
import { DEFAULT_PREFIX } from '../pbs/index.ts';
import type { VmRequest } from '../request/index.ts';
import { checkPrefix, launcherDirectives } from './submission-directives.ts';
import { checkFormat, damaged } from './submission-errors.ts';

/** Which of the job's variables the user asked for. */
export interface RequestedVariables {
  /** Names given with `-v`. */
  readonly names: readonly string[];
  /** `-V` was given. */
  readonly all: boolean;
}

/** What a job in a VM is made of; it travels inside the script that the batch system gets. */
export interface Submission {
  readonly request: VmRequest;
  /** The user's script, byte for byte. */
  readonly script: Uint8Array;
  /** Its base name; `STDIN` when it came on standard input. */
  readonly scriptName: string;
  /** The value of `-S`. */
  readonly shell?: string;
  readonly variables: RequestedVariables;
  /** Of the user's, for his VMs. */
  readonly hooks?: UserHooks;
  /** What hooks in VMs are told of the job. */
  readonly job?: HookedJob;
}

export type UserHooks = Readonly<Partial<Record<UserHookName, UserHook>>>;

export interface LauncherScriptOptions extends Submission {
  /** Absolute; the nodes have the same installation there. */
  readonly installRoot: string;
  /** The directive prefix in force: `#PBS` unless `-C` says otherwise. */
  readonly prefix?: string;
}

const FORMAT_VERSION = 2;
const MARK = '#vtorque-submission';
// No word of this line may look like an option or a quote: with `-C '#'` qsub reads it as a directive. It is longer
// than the 50 bytes that qsub checks for plain ASCII.
const COMMENT = '# This job runs in a virtual machine. vTorque reads the script of the user from the end of this file.';
const BASE64_LINE = 76;
// Torque handles lines of up to 32 KiB; submit filters of sites may handle less.
const LONGEST_PLAIN_LINE = 8192;

/** What stands in the header line, besides the digest. */
interface Header {
  readonly version: number;
  readonly request: VmRequest;
  readonly scriptName: string;
  readonly encoding: 'plain' | 'base64';
  readonly length: number;
  readonly shell?: string;
  readonly variables: RequestedVariables;
  /** Their contents stand behind the script, in this order. */
  readonly hooks?: readonly HookHeader[];
  readonly job?: HookedJob;
}

interface HookHeader extends Omit<UserHook, 'base64'> {
  readonly key: UserHookName;
  /** Bytes. */
  readonly length: number;
}

/**
 * The script that goes to the batch system: the user's directives, one command that starts the launcher, and the
 * submission behind it, where no shell and no batch system reads on.
 * @throws VtorqueError `E_QSUB` for directives that qsub refuses, `E_DIRECTIVE_PREFIX` for a prefix that cannot be used
 */
export function composeLauncherScript(options: LauncherScriptOptions): Buffer {
  const { script, installRoot, prefix = DEFAULT_PREFIX } = options;
  const launcher = `exec ${shellQuote(`${installRoot}/libexec/vtorque-launch`)} "$0" "$@"`;
  checkPrefix(prefix, launcher);
  const plain = isHarmless(script);
  const hooks = hookHeaders(options.hooks);
  const contents = hookContents(options.hooks);
  const header: Header = {
    version: FORMAT_VERSION,
    request: options.request,
    scriptName: options.scriptName,
    encoding: plain ? 'plain' : 'base64',
    length: script.length,
    ...(options.shell === undefined ? {} : { shell: options.shell }),
    variables: options.variables,
    ...(hooks.length === 0 ? {} : { hooks }),
    ...(options.job === undefined ? {} : { job: options.job }),
  };
  const json = asciiJson(header);
  return Buffer.concat([
    Buffer.from(`#!/bin/sh\n${COMMENT}\n`),
    launcherDirectives(script, prefix),
    Buffer.from(`${launcher}\n${MARK} ${digestOf(json, script, contents)} ${json}\n`),
    plain ? script : Buffer.from(base64Lines(script)),
    Buffer.from(base64Lines(contents)),
  ]);
}

/**
 * Read what `composeLauncherScript` wrote.
 * @throws VtorqueError `E_SUBMISSION_DAMAGED` when the file is cut or altered, `E_SUBMISSION_VERSION` when another
 *   version of vTorque wrote it
 */
export function readSubmission(bytes: Uint8Array): Submission & { readonly version: number } {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { digest, json, payload } = findHeader(file);
  const header = parseHeader(json);
  const plain = header.encoding === 'plain';
  const script = plain ? payload.subarray(0, header.length) : decodeBase64(payload, header.length);
  if (script.length < header.length) {
    throw damaged(`the script is cut: ${script.length} of ${header.length} bytes are there`);
  }
  const { hooks = [] } = header;
  const behind = payload.subarray(plain ? header.length : base64Length(header.length));
  const contents = decodeBase64(
    behind,
    hooks.reduce((sum, { length }) => sum + length, 0),
  );
  if (digestOf(json, script, contents) !== digest) throw damaged('its content differs from what was submitted');
  const { version, request, scriptName, shell, variables, job } = header;
  return {
    ...{ version, request, scriptName, variables, script },
    ...(shell === undefined ? {} : { shell }),
    ...(hooks.length === 0 ? {} : { hooks: hooksOf(hooks, contents) }),
    ...(job === undefined ? {} : { job }),
  };
}

function findHeader(file: Buffer): { digest: string; json: string; payload: Buffer } {
  for (let at = file.indexOf(`\n${MARK} `); at >= 0; at = file.indexOf(`\n${MARK} `, at + 1)) {
    const lineBefore = file.lastIndexOf('\n', at - 1) + 1;
    if (!file.subarray(lineBefore, at).toString('latin1').startsWith("exec '")) continue;
    const end = file.indexOf('\n', at + 1);
    if (end < 0) throw damaged('it ends within the header');
    const [, digest, json] = /^\S+ ([0-9a-f]{64}) (.*)$/.exec(file.toString('latin1', at + 1, end)) ?? [];
    if (digest === undefined || json === undefined) throw damaged('the header cannot be read');
    return { digest, json, payload: file.subarray(end + 1) };
  }
  throw damaged('it has no header');
}

function parseHeader(json: string): Header {
  let header: Header;
  try {
    header = JSON.parse(json) as Header;
  } catch (error) {
    throw damaged(`the header cannot be read (${messageOf(error)})`);
  }
  if (!Number.isInteger(header.version)) throw damaged('the header cannot be read');
  checkFormat(header.version, FORMAT_VERSION);
  return header;
}

/** The digest covers the header, too, so that a request cannot change unnoticed. */
function digestOf(json: string, ...contents: readonly Uint8Array[]): string {
  return sha256(Buffer.concat([Buffer.from(`${json}\n`), ...contents]));
}

function hookHeaders(hooks: UserHooks = {}): HookHeader[] {
  return hookEntries(hooks).map(([key, { name, where, base64 }]) => ({
    ...{ key, name, where },
    length: Buffer.byteLength(base64, 'base64'),
  }));
}

function hookContents(hooks: UserHooks = {}): Buffer {
  return Buffer.concat(hookEntries(hooks).map(([, { base64 }]) => Buffer.from(base64, 'base64')));
}

function hookEntries(hooks: UserHooks): [UserHookName, UserHook][] {
  return Object.entries(hooks) as [UserHookName, UserHook][];
}

function hooksOf(headers: readonly HookHeader[], contents: Buffer): UserHooks {
  let at = 0;
  return Object.fromEntries(
    headers.map(({ key, name, where, length }) => {
      const bytes = contents.subarray(at, at + length);
      at += length;
      return [key, { name, where, base64: bytes.toString('base64') }];
    }),
  );
}

/** Text that batch systems hand on as it is: UTF-8 without NUL and carriage return, lines of a sane length, ended. */
function isHarmless(script: Uint8Array): boolean {
  if (script.length === 0 || script.at(-1) !== 0x0a || script.includes(0) || script.includes(0x0d)) return false;
  for (let at = 0; at < script.length; ) {
    const end = script.indexOf(0x0a, at) + 1;
    if (end - at > LONGEST_PLAIN_LINE) return false;
    at = end;
  }
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(script);
    return true;
  } catch {
    return false;
  }
}

function base64Lines(script: Uint8Array): string {
  const text = Buffer.from(script.buffer, script.byteOffset, script.byteLength).toString('base64');
  return (text.match(new RegExp(`.{1,${BASE64_LINE}}`, 'g')) ?? []).map((line) => `${line}\n`).join('');
}

/** Lines behind the payload are not ours, and left alone. */
function decodeBase64(payload: Buffer, length: number): Buffer {
  return Buffer.from(payload.toString('latin1', 0, base64Length(length)), 'base64').subarray(0, length);
}

/** Characters of so many bytes, with the ends of the lines. */
function base64Length(length: number): number {
  const characters = Math.ceil(length / 3) * 4;
  return characters + Math.ceil(characters / BASE64_LINE);
}

/** JSON in plain ASCII, on one line. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\x7f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
