import { join } from 'node:path';
import { compileProgram } from '../../../process/index.ts';
import { programsDirectory } from '../../../site/index.ts';

const name = 'template-memory';

/** The program that gives machines memory of their own, and finds the parts of a template's memory that hold something. */
export const memoryProgram: string = join(programsDirectory, name);

/**
 * Compile it.
 * @throws VtorqueError `E_BUILD`
 */
export async function buildTemplateMemory(outDir: string): Promise<void> {
  const source = join(import.meta.dirname, 'template-memory.c');
  await compileProgram({ name, sources: [source], flags: ['-O2', '-static', '-s'] }, outDir);
}
