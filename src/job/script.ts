import { createWriteStream } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { messageOf, shellQuote, VtorqueError } from '../base/index.ts';
import type { GuestAgent, GuestProcess } from '../guest/linux/index.ts';
import {
  type GuestFiles,
  type GuestIdentity,
  guestEnvironment,
  guestGroups,
  limitsOfJob,
} from '../node/guest/index.ts';
import type { JobSignals } from './signals.ts';
import type { Submission } from './submission.ts';

export interface ScriptRun {
  readonly agent: GuestAgent;
  readonly identity: GuestIdentity;
  readonly files: GuestFiles;
  readonly submission: Submission;
  readonly args: readonly string[];
  readonly signals: JobSignals;
}

/**
 * Run the user's script in the guest and pass its output on to this process's own, apart and unaltered.
 * @returns its exit code, or 128 + n when signal n ended it
 * @throws VtorqueError `E_SCRIPT_START`, `E_OUTPUT_LOST`, `E_GUEST_LOST`
 */
export async function runScript({ agent, identity, files, submission, args, signals }: ScriptRun): Promise<number> {
  const { context, vm } = identity;
  const shell = submission.shell ?? context.owner.shell;
  const script = agent.exec({
    program: shell,
    // As batch systems start a job: a login shell that reads on its standard input what to run.
    argv: [`-${basename(shell)}`],
    cwd: context.cwd,
    env: guestEnvironment(identity, files),
    uid: context.owner.uid,
    gid: context.owner.gid,
    groups: guestGroups(identity),
    umask: context.umask,
    limits: await limitsOfJob(agent, context.env),
    stdin: 'data',
  });
  signals.forwardTo((signal) => script.signal(signal));
  // With exec the script takes the shell's place, so a signal reaches what may have a trap for it, and nothing else.
  script.stdin.end(`exec ${[files.script, ...args].map(shellQuote).join(' ')}\n`);
  const outputs = [forward(script.stdout, 1), forward(script.stderr, 2)];
  const end = await processEnd(script, vm.name, shell);
  const lost = (await Promise.all(outputs)).find((error) => error !== undefined);
  if (lost !== undefined) {
    throw new VtorqueError('E_OUTPUT_LOST', `Cannot write the output of the script: ${messageOf(lost)}`, {
      hint: 'See whether there is room where the batch system keeps the output of jobs; the script itself went on to its end',
      phase: 'script',
      cause: lost,
    });
  }
  return 'code' in end ? end.code : 128 + end.signal;
}

/**
 * Wait for the end of the job's own program.
 * @throws VtorqueError `E_SCRIPT_START`, `E_GUEST_LOST`
 */
export async function processEnd(
  script: GuestProcess,
  guest: string,
  shell: string,
): ReturnType<() => GuestProcess['exit']> {
  try {
    return await script.exit;
  } catch (cause) {
    if (cause instanceof VtorqueError && cause.code === 'E_GUEST_LOST') throw cause;
    throw new VtorqueError('E_SCRIPT_START', `Cannot run the script in guest "${guest}": ${messageOf(cause)}`, {
      hint: `The guest must have the shell "${shell}" and the job's working directory`,
      phase: 'script',
      cause,
    });
  }
}

/**
 * Copy a stream of the script to a descriptor of this process.
 * When the descriptor fails (a full disk), the rest is read and dropped, so that the script can go on to its end.
 * @returns the failure, if there was one
 */
async function forward(from: Readable, descriptor: 1 | 2): Promise<unknown> {
  const to = createWriteStream('', { fd: descriptor, autoClose: false, highWaterMark: 1024 ** 2 });
  let failure: unknown;
  to.on('error', (error) => {
    failure ??= error;
    from.unpipe(to);
    from.resume();
  });
  from.pipe(to, { end: false });
  await finished(from, { writable: false }).catch((error: unknown) => {
    failure ??= error;
  });
  if (failure !== undefined) return failure;
  to.end();
  return finished(to).then(
    () => undefined,
    (error: unknown) => error,
  );
}
