import { inJobGuest } from '../in-job-guest.ts';
import type { JobSignals } from '../signals.ts';
import type { UserChannel } from './channel.ts';
import { forwardDisplay, type JobDisplay, jobDisplay } from './display.ts';
import { runShell } from './shell.ts';
import type { InteractiveSubmission } from './submission.ts';

export interface InteractiveLaunch {
  readonly submission: InteractiveSubmission;
  readonly channel: UserChannel;
  readonly signals: JobSignals;
}

/**
 * Run one interactive job in its VM.
 * @returns the exit code of the user's shell
 * @throws as `inJobGuest`
 */
export function launchInteractive({ submission, channel, signals }: InteractiveLaunch): Promise<number> {
  let display: JobDisplay | undefined;
  return inJobGuest({
    ...{ scriptPath: 'STDIN', signals, say: (text) => channel.print(`vtorque: ${text}\n`) },
    submission: async ({ env }) => {
      if (submission.x11) display = await jobDisplay(env);
      channel.print('vtorque: starting the virtual machine\n');
      // Who leaves his shell has seen enough.
      const request = { ...submission.request, keep: 0 };
      return { ...submission, request, script: Buffer.alloc(0), scriptName: 'STDIN' };
    },
    run: async ({ machine: { agent }, identity, files }) => {
      const env = display === undefined ? {} : await forwardDisplay(agent, display, identity);
      return runShell({ agent, identity, files, env, submission, channel, signals });
    },
  });
}
