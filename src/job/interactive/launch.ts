import { ownPlaces, placesToRead } from '../../site/index.ts';
import { readJobContext } from '../context.ts';
import { startJobGuest } from '../job-guest.ts';
import type { JobSignals } from '../signals.ts';
import { tearDown } from '../tear-down.ts';
import { Timeline } from '../timeline.ts';
import type { UserChannel } from './channel.ts';
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
 * @throws as `launch`
 */
export async function launchInteractive({ submission, channel, signals }: InteractiveLaunch): Promise<number> {
  const context = await readJobContext();
  const { uid } = context.owner;
  const timeline = new Timeline(ownPlaces(context.env, uid).state, context.id);
  const record: Timeline['record'] = (event, value) => timeline.record(event, value);
  record('start');
  let code: number | undefined;
  try {
    channel.print('vtorque: starting the virtual machine\n');
    await using guest = await startJobGuest({
      ...{ context, record },
      places: placesToRead(context.env, uid),
      submission: { ...submission, script: Buffer.alloc(0), scriptName: 'STDIN' },
      scriptPath: 'STDIN',
      signal: signals.cancelled,
    });
    record('script');
    const { machine, identity, files } = guest;
    const shell = runShell({ agent: machine.agent, identity, files, submission, channel, signals });
    const result = await guest.watch('script', shell);
    record('tear-down');
    await tearDown(machine);
    code = result;
    return code;
  } finally {
    record('end', code ?? 'failed');
    await timeline.flush();
  }
}
