import { type PreparedJob, type PrepareOptions, prepareVmJob } from './prepare.ts';
import { reportSubmission } from './report.ts';

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
  const submitted = await job.engine.submit({
    argv,
    script: { name: scriptName, bytes: launcher, at: scriptAt },
    options: job.options,
  });
  return reportSubmission(submitted, { json: options.line.json, request });
}

/** What the user should know although the job can go: on standard error, which nobody reads ids from. */
export function printWarnings({ warnings }: PreparedJob): void {
  for (const warning of warnings) process.stderr.write(`vsub: warning: ${warning}\n`);
}
