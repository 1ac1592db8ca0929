import { join } from 'node:path';
import { programsDirectory } from '../../site/index.ts';
import { compileProgram } from '../compile.ts';

/** The program that ties another one to the life of its parent. */
export const boundProgram: string = join(programsDirectory, 'bound');

/**
 * Compile it.
 * @throws VtorqueError `E_BUILD`
 */
export async function buildBound(outDir: string): Promise<void> {
  await compileProgram(
    { name: 'bound', sources: [join(import.meta.dirname, 'bound.c')], flags: ['-O2', '-static', '-s'] },
    outDir,
  );
}
