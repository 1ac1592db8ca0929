import { runLaunch } from '../launch.ts';

export async function main(args: readonly string[]): Promise<void> {
  // Not process.exitCode: what a failed start has left open must not keep the job's slot.
  process.exit(await runLaunch(args));
}
