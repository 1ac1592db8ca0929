import { runVsub } from '../vsub.ts';

export async function main(args: readonly string[]): Promise<void> {
  process.exitCode = await runVsub(args, process.env);
}
