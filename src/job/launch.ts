import { readFile } from 'node:fs/promises';
import { inJobGuest } from './in-job-guest.ts';
import { runScript } from './script.ts';
import type { JobSignals } from './signals.ts';
import { readSubmission } from './submission.ts';

export interface LaunchOptions {
  /** The submitted script, as the batch system keeps it. */
  readonly scriptPath: string;
  /** For the user's script. */
  readonly args: readonly string[];
  readonly signals: JobSignals;
  /** Tell the user something that is no error, beside the output of his script. */
  readonly say: (text: string) => void;
}

/**
 * Run one batch job in its VM: the program behind the script that vsub submitted.
 * @returns the exit code of the user's script
 * @throws as `inJobGuest`
 */
export function launch({ scriptPath, args, signals, say }: LaunchOptions): Promise<number> {
  return inJobGuest({
    ...{ scriptPath, signals, say },
    submission: async () => readSubmission(await readFile(scriptPath)),
    run: ({ machine, identity, files }, submission) =>
      runScript({ agent: machine.agent, identity, files, submission, args, signals }),
  });
}
