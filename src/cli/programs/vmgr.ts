import { runVmgr } from '../vmgr.ts';

export async function main(args: readonly string[]): Promise<void> {
  process.exitCode = await runVmgr(args);
}
