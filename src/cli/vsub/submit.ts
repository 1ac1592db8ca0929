import { type PreparedJob, type PrepareOptions, prepareVmJob } from './prepare.ts';
import { runQsub } from './qsub.ts';

/**
 * Check the request, make the launcher script and hand it to the batch system.
 * @returns qsub's exit code
 * @throws VtorqueError for everything that can be known to be wrong before the job is queued
 */
export async function submitVmJob(options: Omit<PrepareOptions, 'withoutEngine'>): Promise<number> {
  const job = await prepareVmJob({ ...options, withoutEngine: false });
  if (job.engine === undefined) throw new Error('no batch system');
  printWarnings(job);
  if (job.interactive) return (await import('./interactive.ts')).runInteractiveJob(job, options);
  const { request, argv, launcher, scriptAt, scriptName } = job;
  const run = { qsub: job.engine.qsub, env: options.env, json: options.line.json, request, argv };
  if (scriptAt === undefined) return runQsub({ ...run, stdin: launcher });
  return runQsub({ ...run, file: { at: scriptAt, name: scriptName, bytes: launcher } });
}

/** What the user should know although the job can go: on standard error, which nobody reads ids from. */
export function printWarnings({ warnings }: PreparedJob): void {
  for (const warning of warnings) process.stderr.write(`vsub: warning: ${warning}\n`);
}
