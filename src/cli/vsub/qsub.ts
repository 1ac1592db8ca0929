import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import type { VmRequest } from '../../request/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface QsubRun {
  /** Absolute path of the real qsub. */
  readonly qsub: string;
  readonly argv: readonly string[];
  readonly env: Env;
  /** What it reads; our own standard input without it. */
  readonly stdin?: Uint8Array | undefined;
  /** A script that takes the place of word `at`, under this base name, which becomes the job's name. */
  readonly file?: { readonly at: number; readonly name: string; readonly bytes: Uint8Array };
  /** Print the job's id as JSON, with the request. */
  readonly json?: boolean;
  readonly request?: VmRequest;
}

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
// How long qsub may take to end after a signal.
const GRACE_MS = 5000;

/** Replace this process by qsub: same words, same files, same exit code. */
export function becomeQsub(qsub: string, argv: readonly string[], env: Env): Promise<number> {
  if (process.execve === undefined || !canExecute(qsub)) return runQsub({ qsub, argv, env });
  // Node ignores these signals, and what is ignored stays so in the next program; what is caught does not.
  for (const signal of ['SIGPIPE', 'SIGXFSZ'] as const) process.on(signal, () => {});
  return process.execve(qsub, ['qsub', ...argv], definedOnly(env));
}

/** Node aborts when execve fails, so only what cannot fail goes there: a binary, or a script with its interpreter. */
function canExecute(path: string): boolean {
  const head = Buffer.alloc(256);
  try {
    const file = openSync(path, 'r');
    readSync(file, head);
    closeSync(file);
  } catch {
    // Executable and not readable: no interpreter could read it either, so it is a binary.
    return true;
  }
  if (head.toString('latin1', 0, 4) === '\x7fELF') return true;
  const [, interpreter = ''] = /^#! *(\/\S+)/.exec(head.toString('latin1')) ?? [];
  return interpreter !== '' && existsSync(interpreter);
}

/**
 * Run qsub and wait for it. Its output and errors are the user's.
 * @returns its exit code; 128 and the signal's number when a signal ended it
 * @throws VtorqueError `E_QSUB_START` when it cannot be started
 */
export async function runQsub(run: QsubRun): Promise<number> {
  let child: ChildProcess | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const forward = (signal: NodeJS.Signals): void => {
    child?.kill(signal);
    deadline ??= setTimeout(() => child?.kill('SIGKILL'), GRACE_MS).unref();
  };
  // From here on a signal is only noted until the next wait, when the child is there and the directory is known.
  for (const signal of FORWARDED) process.on(signal, forward);
  const directory = run.file === undefined ? undefined : mkdtempSync(join(tmpdir(), 'vsub-'));
  try {
    const argv = [...run.argv];
    if (run.file !== undefined && directory !== undefined) {
      const path = join(directory, run.file.name);
      writeFileSync(path, run.file.bytes, { mode: 0o600 });
      argv[run.file.at] = path;
    }
    child = spawn(run.qsub, argv, {
      argv0: 'qsub',
      env: definedOnly(run.env),
      stdio: [run.stdin === undefined ? 'inherit' : 'pipe', run.json ? 'pipe' : 'inherit', 'inherit'],
    });
    return await outcome(child, run);
  } finally {
    clearTimeout(deadline);
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}

async function outcome(child: ChildProcess, run: QsubRun): Promise<number> {
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  // qsub need not read its script: it may refuse the job before.
  child.stdin?.on('error', () => {});
  child.stdin?.end(run.stdin);
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', (error) => reject(startError(run.qsub, error)));
    child.once('close', (exit, signal) => resolve(exit ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
  if (run.json) printResult(code, Buffer.concat(chunks).toString(), run.request);
  return code;
}

function printResult(code: number, output: string, request: VmRequest | undefined): void {
  if (code !== 0) process.stdout.write(output);
  else
    process.stdout.write(`${JSON.stringify({ id: output.trim(), ...(request === undefined ? {} : { request }) })}\n`);
}

function startError(qsub: string, cause: Error): VtorqueError {
  return new VtorqueError('E_QSUB_START', `Cannot start "${qsub}": ${cause.message}`, {
    hint: 'Check that it is a program that you may execute',
    phase: 'submit',
    cause,
  });
}

function definedOnly(env: Env): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
