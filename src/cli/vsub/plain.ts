import { type Engine, findEngine } from '../../engine/index.ts';
import type { CommandLine } from './command-line.ts';
import { becomeQsub } from './qsub.ts';
import type { JobScript } from './script.ts';
import { configuredEngine } from './sources.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The batch system of a job without a VM: a mistake in the site's configuration keeps nobody from qsub. */
export async function engineOfPlainJobs(env: Env): Promise<Engine> {
  return findEngine(env, await configuredEngine(env).catch(() => 'auto' as const));
}

/** `--version` and `--about` of qsub. */
export async function runPlainEarly(line: CommandLine, env: Env): Promise<number> {
  const { qsub, name } = await engineOfPlainJobs(env);
  if (qsub === undefined) throw new Error(`${name} has no qsub`);
  return becomeQsub(qsub, line.qsubArgv, env);
}

/**
 * A job without a VM: vsub is qsub, or runs it where it has read the script already or must print what qsub does not.
 * @returns qsub's exit code
 */
export async function submitPlainJob(line: CommandLine, script: JobScript, env: Env): Promise<number> {
  const engine = await engineOfPlainJobs(env);
  const { qsub } = engine;
  if (qsub === undefined) throw new Error(`${engine.name} has no qsub`);
  if (script.stdin === undefined && !line.json) return becomeQsub(qsub, line.qsubArgv, env);
  const [{ runQsub }, { reportSubmission }] = await Promise.all([
    import('../../engine/pbs/submit.ts'),
    import('./report.ts'),
  ]);
  const submitted = await runQsub(qsub, line.qsubArgv, env, { stdin: script.stdin });
  return reportSubmission(submitted, { json: line.json });
}
