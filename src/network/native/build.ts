import { globSync } from 'node:fs';
import { join } from 'node:path';
import { compileProgram } from '../../process/index.ts';
import { programsDirectory } from '../../site/index.ts';

/** The program that makes a job's network on a node, holds it, and hands out its taps. */
export const jobnetProgram: string = join(programsDirectory, 'jobnet');

/**
 * Compile it.
 * @throws VtorqueError `E_BUILD`
 */
export async function buildJobnet(outDir: string): Promise<void> {
  const sources = globSync('*.{c,h}', { cwd: import.meta.dirname })
    .sort()
    .map((file) => join(import.meta.dirname, file));
  await compileProgram({ name: 'jobnet', sources, flags: ['-O2', '-static', '-s'] }, outDir);
}
