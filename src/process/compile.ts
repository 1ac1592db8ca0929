import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { VtorqueError } from '../base/index.ts';

/** A program, or a library, that is made of C sources. */
export interface CProgram {
  /** Of the file that is made. */
  readonly name: string;
  /** Absolute paths; headers are among them. */
  readonly sources: readonly string[];
  /** Besides those that all have. A program that knows its version gets the digest of its sources by `version`. */
  readonly flags?: readonly string[];
  readonly version?: (digest: string) => string;
}

const COMMON_FLAGS = ['-std=c17', '-Wall', '-Wextra', '-Werror'];
const COMPILE_MS = 120_000;

/**
 * Compile a program into `outDir`, replaced at once, so that a running one is undisturbed. One that comes from the same
 * sources is left alone.
 * @returns its path
 * @throws VtorqueError `E_BUILD` with the compiler's last lines
 */
export async function compileProgram(program: CProgram, outDir: string): Promise<string> {
  const { name, sources, flags = ['-O2'], version } = program;
  const target = join(outDir, name);
  const digest = await digestOf(program);
  // Beside the program, so that a copy of both is known to be current.
  const stamp = `${target}.sha256`;
  if ((await exists(target)) && (await readFile(stamp, 'utf8').catch(() => '')) === digest) return target;
  await mkdir(outDir, { recursive: true });
  const draft = `${target}.${process.pid}.tmp`;
  const cFiles = sources.filter((path) => path.endsWith('.c'));
  const defines = version === undefined ? [] : [version(digest)];
  try {
    await promisify(execFile)('cc', [...COMMON_FLAGS, ...flags, ...defines, '-o', draft, ...cFiles], {
      timeout: COMPILE_MS,
    });
    await rename(draft, target);
    await writeFile(stamp, digest);
    return target;
  } catch (cause) {
    await rm(draft, { force: true });
    const { stderr = '', code } = cause as { stderr?: string; code?: unknown };
    const why = code === 'ENOENT' ? 'there is no compiler "cc"' : 'the compiler "cc" failed';
    throw new VtorqueError('E_BUILD', `Cannot build the program "${name}": ${why}`, {
      hint: 'Install a C compiler with its headers (Debian: gcc, libc6-dev)',
      details: stderr.trimEnd().split('\n').slice(-20),
      cause,
    });
  }
}

async function digestOf({ name, sources, flags = [] }: CProgram): Promise<string> {
  const hash = createHash('sha256').update(`${process.arch} ${name} ${flags.join(' ')}`);
  for (const source of sources) hash.update(`\n${basename(source)}\n`).update(await readFile(source));
  return hash.digest('hex');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
