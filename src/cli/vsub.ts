import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { type Env, VtorqueError } from '../base/index.ts';
import { print } from './print.ts';
import { type CommandLine, readCommandLine } from './vsub/command-line.ts';
import { readJobScript } from './vsub/script.ts';

/**
 * `vsub`: qsub, and jobs in virtual machines.
 * @returns the exit code; does not return when it becomes qsub
 */
export async function runVsub(argv: readonly string[], env: Env): Promise<number> {
  let json = argv.includes('--json');
  try {
    checkArguments(argv);
    const line = readCommandLine(argv);
    json = line.json;
    if (line.help) {
      const { vsubHelp } = await import('./vsub/help.ts');
      print(vsubHelp());
      return 0;
    }
    return await submit(line, env);
  } catch (error) {
    const { renderError, wantsColor } = await import('./render-error.ts');
    const { text, exitCode } = renderError(error, { program: 'vsub', json, color: wantsColor(process.stderr, env) });
    process.stderr.write(text);
    return exitCode;
  }
}

async function submit(line: CommandLine, env: Env): Promise<number> {
  if (line.look.early !== undefined) {
    if (line.vmValues.length === 0) return (await import('./vsub/plain.ts')).runPlainEarly(line, env);
    const { vtorqueVersion } = await import('./version.ts');
    process.stdout.write(`${vtorqueVersion()}\n`);
    return 0;
  }
  // Loaded only when there is something to read: plain qsub jobs must not wait for it.
  const environment = env.VSUB_OPTIONS
    ? (await import('./vsub/environment.ts')).readEnvironmentRequests(env.VSUB_OPTIONS)
    : [];
  const script = await readJobScript(line);
  const showOnly = line.explain || line.dryRun;
  if (line.vmValues.length === 0 && script.requests.length === 0 && environment.length === 0) {
    if (showOnly) return (await import('./vsub/show.ts')).showPlainJob({ line, env });
    return (await import('./vsub/plain.ts')).submitPlainJob(line, script, env);
  }
  const { askEngine } = await import('./vsub/ask-engine.ts');
  const job = { line, script, environment, env, asking: askEngine(env, showOnly) };
  if (showOnly) return (await import('./vsub/show.ts')).showVmJob(job);
  const { submitVmJob } = await import('./vsub/submit.ts');
  return submitVmJob(job);
}

/**
 * Node reads arguments as UTF-8 and puts U+FFFD for what is none: handed on, they would be other words.
 * @throws VtorqueError `E_ARGUMENT_BYTES`, exit code 2
 */
function checkArguments(argv: readonly string[]): void {
  if (!argv.some((word) => word.includes('\ufffd')) || isUtf8(readFileSync('/proc/self/cmdline'))) return;
  throw new VtorqueError('E_ARGUMENT_BYTES', 'Cannot read the arguments: there are bytes that are not UTF-8', {
    hint: 'Rename the file or change the text, so that it is UTF-8',
    phase: 'check',
    exitCode: 2,
  });
}
