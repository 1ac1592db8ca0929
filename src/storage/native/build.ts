import { join } from 'node:path';
import { compileProgram } from '../../process/index.ts';

/** File name of the library that virtiofsd is started with. */
export const asUserLibrary = 'virtiofsd-as-user.so';

/**
 * Compile what virtiofsd is started with.
 * @throws VtorqueError `E_BUILD`
 */
export async function buildAsUserLibrary(outDir: string): Promise<void> {
  const source = join(import.meta.dirname, 'virtiofsd-as-user.c');
  await compileProgram({ name: asUserLibrary, sources: [source], flags: ['-O2', '-shared', '-fPIC', '-s'] }, outDir);
}
