import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, constants, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, VtorqueError } from '../../../base/index.ts';

const here = import.meta.dirname;

/** What is built: the program's name and its sources. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  shepherd: ['shepherd.c', 'records.c', 'hooks.c', 'top.c', 'spec.c', 'procs.c', 'user.c', 'terminal.c'],
  account: ['account.c'],
};

const FLAGS = ['-O2', '-std=c17', '-Wall', '-Wextra', '-Werror'];

/** The two programs of the embedded batch system that are not TypeScript. */
export interface Helpers {
  /** Starts and watches one job. */
  readonly shepherd: string;
  /** Tells the owner of a connection and the account of a user. */
  readonly account: string;
}

/**
 * Build the embedded batch system's C programs into `outDir`, each replaced at once, so that a running one is undisturbed.
 * Programs built from the present sources are left alone.
 * @throws VtorqueError `E_BUILD` with the compiler's last lines
 */
export async function buildShepherd(outDir: string): Promise<Helpers> {
  await mkdir(outDir, { recursive: true });
  for (const [name, sources] of Object.entries(PROGRAMS)) {
    const digest = await digestOf(name);
    if (await isCurrent(join(outDir, name), digest)) continue;
    await compile(name, sources, outDir);
    await writeFile(stampOf(join(outDir, name)), digest);
  }
  return helpersIn(outDir);
}

/** Where `buildShepherd(outDir)` puts the programs. */
export function helpersIn(outDir: string): Helpers {
  return { shepherd: join(outDir, 'shepherd'), account: join(outDir, 'account') };
}

/** What a program is built from, as one digest. It stands beside the program, so copies of both are known to be current. */
async function digestOf(name: string): Promise<string> {
  const hash = createHash('sha256').update(`${process.arch} ${name} ${FLAGS.join(' ')}`);
  for (const source of [...(PROGRAMS[name] ?? []), 'shepherd.h']) hash.update(await readFile(join(here, source)));
  return hash.digest('hex');
}

async function isCurrent(program: string, digest: string): Promise<boolean> {
  const built = await access(program, constants.X_OK).then(
    () => true,
    () => false,
  );
  return built && (await readFile(stampOf(program), 'utf8').catch(() => '')) === digest;
}

function stampOf(program: string): string {
  return `${program}.sha256`;
}

async function compile(name: string, sources: readonly string[], outDir: string): Promise<void> {
  const work = await mkdtemp(join(outDir, `.${name}-`));
  try {
    const args = [...FLAGS, '-o', join(work, name), ...sources.map((source) => join(here, source))];
    await promisify(execFile)('cc', args, { timeout: 120_000 });
    await rename(join(work, name), join(outDir, name));
  } catch (error) {
    const output =
      error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').slice(-20) : [];
    throw new VtorqueError('E_BUILD', `Cannot build the program "${name}": ${messageOf(error).split('\n')[0]}`, {
      hint: 'Install a C compiler with its headers (Debian: gcc, libc6-dev)',
      details: output,
      cause: error,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
