import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { definedOnly, type Env, VtorqueError } from '../../base/index.ts';
import type { JobDescription, Submitted } from '../engine.ts';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
// How long qsub may take to end after a signal.
const GRACE_MS = 5000;

/**
 * Hand a job to a qsub, in the words of the user: the script under its own name, in a directory of its own.
 * What qsub says on standard error is the user's, unless it is kept. It may take as long as it does: a submit filter of the site may ask something.
 * @throws VtorqueError `E_QSUB_START` when it cannot be started
 */
export async function submitByQsub(
  qsub: string,
  { argv, script, keepErrors }: Pick<JobDescription, 'argv' | 'script' | 'keepErrors'>,
  env: Env,
): Promise<Submitted> {
  const { at, name, bytes } = script;
  if (at === undefined) return runQsub(qsub, argv, env, { stdin: bytes, keepErrors });
  let directory: string | undefined;
  // A signal must not end this process before the directory is gone: noted here, acted upon by qsub's end.
  const note = (): void => {};
  for (const signal of FORWARDED) process.on(signal, note);
  try {
    directory = mkdtempSync(join(tmpdir(), 'vsub-'));
    const path = join(directory, name);
    writeFileSync(path, bytes, { mode: 0o600 });
    return await runQsub(qsub, argv.with(at, path), env, { keepErrors });
  } finally {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
    for (const signal of FORWARDED) process.off(signal, note);
  }
}

export interface QsubStreams {
  /** What it reads; our own standard input without it. */
  readonly stdin?: Uint8Array | undefined;
  /** Its standard output is ours: nothing is known of it afterwards. */
  readonly sharesOutput?: boolean;
  /** Its standard error is returned instead of being ours. */
  readonly keepErrors?: boolean | undefined;
}

/**
 * Run qsub and wait for it.
 * @throws VtorqueError `E_QSUB_START` when it cannot be started
 */
export async function runQsub(
  qsub: string,
  argv: readonly string[],
  env: Env,
  { stdin, sharesOutput = false, keepErrors = false }: QsubStreams = {},
): Promise<Submitted> {
  let child: ChildProcess | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const forward = (signal: NodeJS.Signals): void => {
    child?.kill(signal);
    deadline ??= setTimeout(() => child?.kill('SIGKILL'), GRACE_MS).unref();
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  try {
    child = spawn(qsub, argv, {
      env: definedOnly(env),
      stdio: [
        stdin === undefined ? 'inherit' : 'pipe',
        sharesOutput ? 'inherit' : 'pipe',
        keepErrors ? 'pipe' : 'inherit',
      ],
    });
    const chunks: Buffer[] = [];
    const said: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => said.push(chunk));
    // qsub need not read its script: it may refuse the job before.
    child.stdin?.on('error', () => {});
    child.stdin?.end(stdin);
    const code = await endOf(child, qsub);
    const output = Buffer.concat(chunks).toString();
    const errors = keepErrors ? { errors: Buffer.concat(said).toString() } : {};
    return code === 0 ? { code, id: output.trim(), ...errors } : { code, output, ...errors };
  } finally {
    clearTimeout(deadline);
    for (const signal of FORWARDED) process.off(signal, forward);
  }
}

/** Its exit code; 128 and the signal's number when a signal ended it. */
function endOf(child: ChildProcess, qsub: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new VtorqueError('E_QSUB_START', `Cannot start "${qsub}": ${cause.message}`, {
          hint: 'Check that it is a program that you may execute',
          phase: 'submit',
          cause,
        }),
      ),
    );
    child.once('close', (exit, signal) => resolve(exit ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
}
