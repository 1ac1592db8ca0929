import { join } from 'node:path';
import { programsDirectory } from '../../site/index.ts';
import { compileProgram } from '../compile.ts';

/** The program that ties another one to the life of its parent. */
export const boundProgram: string = join(programsDirectory, 'bound');

/** The program that binds threads to CPUs. */
export const pinProgram: string = join(programsDirectory, 'pin');

/**
 * Compile both.
 * @throws VtorqueError `E_BUILD`
 */
export async function buildProcessPrograms(outDir: string): Promise<void> {
  await Promise.all(
    ['bound', 'pin'].map((name) =>
      compileProgram(
        { name, sources: [join(import.meta.dirname, `${name}.c`)], flags: ['-O2', '-static', '-s'] },
        outDir,
      ),
    ),
  );
}
