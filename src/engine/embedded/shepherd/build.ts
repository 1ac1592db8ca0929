import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, VtorqueError } from '../../../base/index.ts';

const here = import.meta.dirname;

/** What is built: the program's name and its sources. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  shepherd: ['shepherd.c', 'spec.c', 'procs.c', 'user.c'],
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
 * Programs newer than their sources are left alone.
 * @throws VtorqueError `E_BUILD` with the compiler's last lines
 */
export async function buildShepherd(outDir: string): Promise<Helpers> {
  await mkdir(outDir, { recursive: true });
  for (const [name, sources] of Object.entries(PROGRAMS)) {
    if (!(await isCurrent(join(outDir, name)))) await compile(name, sources, outDir);
  }
  return helpersIn(outDir);
}

/** Where `buildShepherd(outDir)` puts the programs. */
export function helpersIn(outDir: string): Helpers {
  return { shepherd: join(outDir, 'shepherd'), account: join(outDir, 'account') };
}

async function isCurrent(program: string): Promise<boolean> {
  const built = await modified(program);
  const names = (await readdir(here)).filter((name) => /\.[ch]$/.test(name));
  const times = await Promise.all(names.map((name) => modified(join(here, name))));
  return built !== undefined && times.every((time) => time !== undefined && time < built);
}

async function modified(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs;
}

async function compile(name: string, sources: readonly string[], outDir: string): Promise<void> {
  const work = await mkdtemp(join(outDir, `.${name}-`));
  try {
    const args = [...FLAGS, '-o', join(work, name), ...sources.map((source) => join(here, source))];
    await promisify(execFile)('cc', args, { timeout: 120_000 });
    await rename(join(work, name), join(outDir, name));
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').slice(-20) : [];
    throw new VtorqueError('E_BUILD', `Cannot build the program "${name}": ${messageOf(error).split('\n')[0]}`, {
      hint: 'Install a C compiler with its headers (Debian: gcc, libc6-dev)',
      details: output,
      cause: error,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
