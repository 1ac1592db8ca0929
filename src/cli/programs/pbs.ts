import { run } from '../pbs/run.ts';

/** The commands of the embedded batch system; the first argument is the name of one. */
export async function main([name = '', ...args]: readonly string[]): Promise<void> {
  process.exitCode = await run(name, args, process.env);
}
