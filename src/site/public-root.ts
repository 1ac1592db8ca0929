import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { installRoot, isCheckout, systemPlaces } from './paths.ts';

/** What a job or an ordinary user's command needs of a checkout. */
const parts = [
  ...['package.json', 'package-lock.json', 'bin', 'libexec', 'lib', 'src', 'scripts', 'examples', 'build', 'test'],
  ...['man', 'completions'],
];

/** Nobody needs so long for a copy. */
const LEFT_MS = 24 * 3600 * 1000;

/**
 * The directory from which ordinary users run vTorque. That is this checkout, unless they cannot reach it (root's home
 * is closed to others): then root keeps a copy of it below the machine's cache.
 */
export async function publicRoot(): Promise<string> {
  if (process.getuid?.() !== 0 || !isCheckout() || (await openToAll(installRoot))) return installRoot;
  // Loaded only here: it takes longer than all else that a command loads.
  const { createHash } = await import('node:crypto');
  const key = createHash('sha256').update(installRoot).digest('hex').slice(0, 12);
  const target = join(systemPlaces.cache, 'checkout', key);
  const files = await filesToCopy();
  const state = await fingerprint(files);
  const stamp = join(target, '.copy-of');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === state) return target;
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  await removeLeftovers(target, Date.now() - LEFT_MS);
  const fresh = await mkdtemp(`${target}.`);
  try {
    // With its times, by which bundles are known to be as new as their sources.
    for (const file of files)
      await cp(join(installRoot, file), join(fresh, file), {
        ...{ recursive: true, verbatimSymlinks: true, preserveTimestamps: true },
      });
    await writeFile(join(fresh, '.copy-of'), state);
    await makeReadable(fresh);
    await replaceDirectory(target, fresh);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return target;
}

/** Have `fresh` in the place of `target`, also where others do the same at this moment: the last one's stays. */
export async function replaceDirectory(target: string, fresh: string): Promise<void> {
  const old = `${fresh}.old`;
  for (;;) {
    await rename(target, old).catch(() => undefined);
    try {
      return await rename(fresh, target);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['ENOTEMPTY', 'EEXIST'].includes(code)) throw error;
    } finally {
      await rm(old, { recursive: true, force: true });
    }
  }
}

/** Copies of which the process was killed before they were at their place. */
export async function removeLeftovers(target: string, before: number): Promise<void> {
  const directory = dirname(target);
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`${basename(target)}.`)) continue;
    const path = join(directory, name);
    const { mtimeMs } = await lstat(path).catch(() => ({ mtimeMs: before }));
    if (mtimeMs < before) await rm(path, { recursive: true, force: true });
  }
}

/** Whether every user may enter the directory and read what is in it. */
async function openToAll(path: string): Promise<boolean> {
  for (let directory = path; ; directory = dirname(directory)) {
    const wanted = directory === path ? 0o005 : 0o001;
    if (((await stat(directory)).mode & wanted) !== wanted) return false;
    if (directory === '/') break;
  }
  return ((await stat(join(path, 'package.json'))).mode & 0o004) !== 0;
}

async function filesToCopy(): Promise<string[]> {
  const lock = JSON.parse(await readFile(join(installRoot, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  const modules = Object.entries(lock.packages).flatMap(([path, { dev }]) => (path === '' || dev ? [] : [path]));
  const all = [...parts, ...modules];
  const there = await Promise.all(
    all.map((path) =>
      stat(join(installRoot, path)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return all.filter((_, index) => there[index]);
}

/** Changes when any of the files changes. */
async function fingerprint(roots: readonly string[]): Promise<string> {
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256');
  const visit = async (path: string): Promise<void> => {
    const info = await lstat(join(installRoot, path));
    hash.update(`${path} ${info.size} ${info.mtimeMs}\n`);
    if (!info.isDirectory()) return;
    for (const name of (await readdir(join(installRoot, path))).sort()) await visit(join(path, name));
  };
  for (const root of roots) await visit(root);
  return hash.digest('hex');
}

async function makeReadable(path: string): Promise<void> {
  const info = await lstat(path);
  // chmod(2) would follow it, out of the copy.
  if (info.isSymbolicLink()) return;
  if (!info.isDirectory()) return chmod(path, (info.mode & 0o100) === 0 ? 0o644 : 0o755);
  await chmod(path, 0o755);
  for (const name of await readdir(path)) await makeReadable(join(path, name));
}
