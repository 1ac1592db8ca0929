import { type Env, VtorqueError } from '../../base/index.ts';
import { type Engine, findEngine } from '../../engine/index.ts';
import type { CommandLine } from './command-line.ts';
import { becomeQsub } from './qsub.ts';
import type { JobScript } from './script.ts';
import { configuredEngine } from './sources.ts';

/** The batch system of a job without a VM: a mistake in the site's configuration keeps nobody from qsub. */
export async function engineOfPlainJobs(env: Env): Promise<Engine> {
  return findEngine(env, await configuredEngine(env).catch(() => 'auto' as const));
}

/** `--version` and `--about` of qsub. */
export async function runPlainEarly(line: CommandLine, env: Env): Promise<number> {
  const { qsub, name } = await engineOfPlainJobs(env);
  if (qsub !== undefined) return becomeQsub(qsub, line.qsubArgv, env);
  const { vtorqueVersion } = await import('../version.ts');
  process.stdout.write(`${vtorqueVersion()}, for ${name}\n`);
  return 0;
}

/**
 * A job without a VM: vsub is qsub, or runs it where it has read the script already or must print what qsub does not.
 * @returns qsub's exit code
 */
export async function submitPlainJob(line: CommandLine, script: JobScript, env: Env): Promise<number> {
  const engine = await engineOfPlainJobs(env);
  const { qsub } = engine;
  if (qsub === undefined) return submitWithoutQsub(engine, line, script);
  if (script.stdin === undefined && !line.json) return becomeQsub(qsub, line.qsubArgv, env);
  const [{ runQsub }, { reportSubmission }] = await Promise.all([
    import('../../engine/pbs/submit.ts'),
    import('./report.ts'),
  ]);
  const submitted = await runQsub(qsub, line.qsubArgv, env, { stdin: script.stdin, keepErrors: line.json });
  return reportSubmission(submitted, { json: line.json });
}

async function submitWithoutQsub(engine: Engine, line: CommandLine, script: JobScript): Promise<number> {
  const [{ checkInPlaceOfQsub }, { reportSubmission }] = await Promise.all([
    import('./in-place-of-qsub.ts'),
    import('./report.ts'),
  ]);
  const options = checkInPlaceOfQsub(line, script);
  if (options.interactive) {
    throw new VtorqueError('E_JOB_KIND_UNAVAILABLE', `Cannot run an interactive job: ${engine.name} has no qsub`, {
      hint: 'Ask for a VM with -vm, or use what the batch system has for it',
      phase: 'check',
    });
  }
  const { name, bytes } = script;
  const at = line.look.script?.at;
  const submitted = await engine.submit({
    argv: line.qsubArgv,
    script: { name, bytes, at },
    options,
    keepErrors: line.json,
  });
  return reportSubmission(submitted, { json: line.json });
}
