import { join } from 'node:path';
import { compileProgram } from '../../../process/index.ts';

/** What is built: the program's name and its sources. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  shepherd: ['shepherd.c', 'records.c', 'hooks.c', 'top.c', 'spec.c', 'procs.c', 'user.c', 'terminal.c', 'shepherd.h'],
  account: ['account.c'],
};

/** The two programs of the embedded batch system that are not TypeScript. */
export interface Helpers {
  /** Starts and watches one job. */
  readonly shepherd: string;
  /** Tells the owner of a connection and the account of a user. */
  readonly account: string;
}

/**
 * Build the embedded batch system's C programs into `outDir`, unless they are there.
 * @throws VtorqueError `E_BUILD` with the compiler's last lines
 */
export async function buildShepherd(outDir: string): Promise<Helpers> {
  for (const [name, sources] of Object.entries(PROGRAMS)) {
    await compileProgram({ name, sources: sources.map((source) => join(import.meta.dirname, source)) }, outDir);
  }
  return helpersIn(outDir);
}

/** Where `buildShepherd(outDir)` puts the programs. */
export function helpersIn(outDir: string): Helpers {
  return { shepherd: join(outDir, 'shepherd'), account: join(outDir, 'account') };
}
