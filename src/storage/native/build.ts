import { execFile } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { VtorqueError } from '../../base/index.ts';

/** File name of the library that virtiofsd is started with. */
export const asUserLibrary = 'virtiofsd-as-user.so';

/**
 * Compile what virtiofsd is started with.
 * @throws VtorqueError `E_BUILD`
 */
export async function buildAsUserLibrary(outDir: string): Promise<void> {
  const target = join(outDir, asUserLibrary);
  const draft = `${target}.${process.pid}`;
  const source = join(import.meta.dirname, 'virtiofsd-as-user.c');
  const options = ['-std=c17', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-s'];
  try {
    await promisify(execFile)('cc', [...options, '-o', draft, source], { timeout: 60_000 });
    await rename(draft, target);
  } catch (cause) {
    await rm(draft, { force: true });
    const { stderr = '' } = cause as { stderr?: string };
    throw new VtorqueError('E_BUILD', 'Cannot build "virtiofsd-as-user": the compiler "cc" failed', {
      details: stderr.trimEnd().split('\n').slice(-20),
      cause,
    });
  }
}
