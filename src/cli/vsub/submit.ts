import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, Submitted } from '../../engine/index.ts';
import { installRoot } from '../../site/index.ts';
import type { CheckOptions } from './check-job.ts';
import { type PreparedJob, prepareVmJob } from './prepare.ts';
import { reportSubmission } from './report.ts';

const ownQsub = join(installRoot, 'libexec/pbs/qsub');

/**
 * Check the request, make the launcher script and hand it to the batch system.
 * @returns qsub's exit code
 * @throws VtorqueError for everything that can be known to be wrong before the job is queued
 */
export async function submitVmJob(options: Omit<CheckOptions, 'withoutEngine'>): Promise<number> {
  const job = await prepareVmJob({ ...options, withoutEngine: false });
  if (job.engine === undefined) throw new Error('no batch system');
  printWarnings(job);
  if (job.interactive) return (await import('./interactive.ts')).runInteractiveJob(job, options);
  const { request, argv, launcher, scriptAt, scriptName } = job;
  const script = { name: scriptName, bytes: launcher, at: scriptAt };
  const keepErrors = options.line.json;
  const submitted = isOwnQsub(job.engine)
    ? await submitByOwnQsub(argv, script, options.env)
    : await job.engine.submit({ argv, script, options: job.options, keepErrors });
  return reportSubmission(submitted, { json: options.line.json, request });
}

/** Whether a batch system's qsub is the one of this very version: then it need not be started. */
function isOwnQsub({ qsub }: Engine): boolean {
  return qsub !== undefined && realpathSync(qsub) === ownQsub;
}

/** What that qsub does, in this process: the start of another one would take longer than all of it. */
async function submitByOwnQsub(
  argv: readonly string[],
  script: { readonly name: string; readonly bytes: Buffer },
  env: CheckOptions['env'],
): Promise<Submitted> {
  const [{ qsub }, { inWords }] = await Promise.all([import('../pbs/qsub.ts'), import('../pbs/run.ts')]);
  const { stdout = '', stderr = '', exitCode } = await inWords('qsub', qsub(argv, env, script), env);
  const errors = stderr;
  return exitCode === 0 ? { code: 0, id: stdout.trim(), errors } : { code: exitCode, output: stdout, errors };
}

/** What the user should know although the job can go: on standard error, which nobody reads ids from. */
export function printWarnings({ warnings }: PreparedJob): void {
  for (const warning of warnings) process.stderr.write(`vsub: warning: ${warning}\n`);
}
