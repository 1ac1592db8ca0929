import { once } from 'node:events';
import { basename } from 'node:path';
import type { GuestAgent, GuestProcess } from '../../guest/linux/index.ts';
import {
  type GuestFiles,
  type GuestIdentity,
  guestEnvironment,
  guestGroups,
  limitsOfJob,
} from '../../node/guest/index.ts';
import { processEnd } from '../script.ts';
import { Cancelled, type JobSignals } from '../signals.ts';
import type { UserChannel } from './channel.ts';
import type { ToJob } from './lines.ts';
import type { InteractiveSubmission } from './submission.ts';

export interface ShellRun {
  readonly agent: GuestAgent;
  readonly identity: GuestIdentity;
  readonly files: GuestFiles;
  /** Variables besides those of every job. */
  readonly env: Readonly<Record<string, string>>;
  readonly submission: InteractiveSubmission;
  readonly channel: UserChannel;
  /** Those of the job, where the shell is what the job runs. */
  readonly signals?: JobSignals;
}

/** What a shell has to end itself when its terminal has gone. */
const HANG_UP_MS = 1000;
/** What a terminal takes for the end of input. */
const END_OF_INPUT = Buffer.from([4]);

/**
 * Run a login shell at a terminal of the guest, which is the user's.
 * @returns its exit code, or 128 + n when signal n ended it
 * @throws VtorqueError `E_SCRIPT_START`, `E_GUEST_LOST`; `Cancelled` when the terminal has gone and the shell has not
 */
export async function runShell({
  agent,
  identity,
  files,
  env,
  submission,
  channel,
  signals,
}: ShellRun): Promise<number> {
  const { context, vm } = identity;
  const program = submission.shell ?? context.owner.shell;
  const shell = agent.exec({
    program,
    argv: [`-${basename(program)}`, ...(submission.command === undefined ? [] : ['-c', submission.command])],
    cwd: context.cwd,
    env: { ...guestEnvironment(identity, files), TERM: submission.terminalType, ...env },
    uid: context.owner.uid,
    gid: context.owner.gid,
    groups: guestGroups(identity),
    umask: context.umask,
    limits: await limitsOfJob(agent, context.env),
    tty: channel.size,
  });
  // A shell that talks to a user ignores TERM, which would leave it no time to end before it is killed.
  signals?.forwardTo((signal) => shell.signal(signal === 'SIGTERM' ? 'SIGHUP' : signal));
  channel.say({ kind: 'begin' });
  channel.deliverTo((message) => pass(message, shell, channel));
  const output = carryOutput(shell, channel);
  const end = await Promise.race([processEnd(shell, vm.name, program), lostTerminal(channel, shell)]);
  await output;
  return 'code' in end ? end.code : 128 + end.signal;
}

function pass(message: ToJob, shell: GuestProcess, channel: UserChannel): void {
  if (message.kind === 'size') {
    shell.resize(message.columns, message.rows);
    return;
  }
  const { stdin } = shell;
  // What has come in one piece with it is not held back any more, and waits for nothing of its own.
  const isHeld = stdin.writableNeedDrain;
  const goesOn = stdin.write(message.kind === 'input' ? message.bytes : END_OF_INPUT);
  if (!goesOn && !isHeld) channel.holdUntil(once(stdin, 'drain'));
}

/** The guest sends no more than the user's terminal takes. */
async function carryOutput(shell: GuestProcess, channel: UserChannel): Promise<void> {
  shell.stderr.resume();
  try {
    for await (const bytes of shell.stdout) {
      if (!channel.say({ kind: 'output', bytes })) await channel.drained();
    }
  } catch {
    // The end of the shell tells what is wrong with the guest.
  }
}

async function lostTerminal({ hungUp }: UserChannel, shell: GuestProcess): Promise<never> {
  if (!hungUp.aborted) await once(hungUp, 'abort');
  shell.signal('SIGHUP');
  await new Promise((resolve) => setTimeout(resolve, HANG_UP_MS));
  throw new Cancelled('SIGHUP');
}
