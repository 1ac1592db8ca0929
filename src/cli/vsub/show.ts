import type { CheckOptions } from './check-job.ts';
import { type Explanation, explainPlainJob, explainVmJob } from './explanation.ts';
import { explanationText } from './explanation-text.ts';
import { engineOfPlainJobs } from './plain.ts';
import { prepareVmJob } from './prepare.ts';
import { printWarnings } from './submit.ts';

/**
 * `--explain` and `--dry-run`: say what would be done, submit nothing.
 * @returns the exit code: 0
 * @throws VtorqueError for a job that would be refused
 */
export async function showVmJob(options: Omit<CheckOptions, 'withoutEngine'>): Promise<number> {
  const { line, env } = options;
  const job = await prepareVmJob({ ...options, withoutEngine: true });
  const explained = await explainVmJob(job, env);
  if (!line.dryRun) return print(explained.explanation, line);
  const { writeDryRun } = await import('./dry-run.ts');
  const explanation = writeDryRun(job, explained);
  if (line.explain || line.json) return print(explanation, line);
  printWarnings(job);
  const { directory = '', files = [] } = explanation.dryRun ?? {};
  process.stdout.write(`${directory}\n${files.map((file) => `  ${file}\n`).join('')}`);
  return 0;
}

/** The same for a job without a VM, of which there are no files. */
export async function showPlainJob({ line, env }: Pick<CheckOptions, 'line' | 'env'>): Promise<number> {
  const engine = await engineOfPlainJobs(env).catch(() => undefined);
  return print(explainPlainJob(engine, line.qsubArgv), line);
}

function print(explanation: Explanation, { json }: { readonly json: boolean }): number {
  process.stdout.write(json ? `${JSON.stringify(explanation)}\n` : explanationText(explanation));
  return 0;
}
