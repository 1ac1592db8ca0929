import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Env, messageOf, VtorqueError } from '../../base/index.ts';
import { runInForeground } from '../../process/index.ts';
import type { JobDescription, Submitted } from '../engine.ts';

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

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
  const keeps = [...(sharesOutput ? [] : ['stdout' as const]), ...(keepErrors ? ['stderr' as const] : [])];
  const ended = await runInForeground([qsub, ...argv], { env, input: stdin, keeps }).catch((cause: unknown) => {
    throw new VtorqueError('E_QSUB_START', `Cannot start "${qsub}": ${messageOf(cause)}`, {
      hint: 'Check that it is a program that you may execute',
      phase: 'submit',
      cause,
    });
  });
  const { code, stdout } = ended;
  const errors = keepErrors ? { errors: ended.stderr } : {};
  return code === 0 ? { code, id: stdout.trim(), ...errors } : { code, output: stdout, ...errors };
}
