import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import { draftOf, removeDrafts } from './drafts.ts';

/** One file of an installed version. */
export interface TreeFile {
  /** From the root of the version. */
  readonly path: string;
  /** Hexadecimal SHA-256. */
  readonly sha256: string;
  readonly executable: boolean;
}

/** A version as it can be installed: its files and where they are now. */
export interface Release {
  /** Of its directory: the version, and digits that differ when any file does. */
  readonly name: string;
  readonly files: readonly (TreeFile & { readonly from: string })[];
}

/** What lists the files of an installed version, in it. */
export const MANIFEST = 'manifest.json';

/** Directories and files of a checkout or an installation, and where they go in an installed version. */
const parts: readonly (readonly [from: string, to: string])[] = [
  ['package.json', 'package.json'],
  ['LICENSE', 'LICENSE'],
  ['bin', 'bin'],
  ['libexec', 'libexec'],
  ['lib', 'lib'],
  ['build/bin', 'build/bin'],
  ['man', 'share/man'],
  ['completions', 'share/completions'],
  ['share', 'share'],
];
/** The lists of sources, and the compiler's stamps, are of use in a checkout only. */
const left = /\.(inputs|sha256|tmp)$|\/\.[^/]*$/;

/**
 * The version that runs: that of a checkout whose bundles are made, or an installed one.
 * @param root of the checkout or the installed version
 * @param node the Node that goes with it
 * @throws VtorqueError `E_INSTALL_SOURCE` when something is missing
 */
export async function releaseOf(root: string, node: string): Promise<Release> {
  await checkBundles(root);
  const found: { path: string; from: string }[] = [{ path: 'lib/node', from: node }];
  for (const [from, to] of parts) await collect(join(root, from), to, found);
  const own = found.filter(({ path }, at) => found.findIndex((other) => other.path === path) === at);
  const files = await Promise.all(
    own.map(async ({ path, from }) => {
      const [{ mode }, sha256] = await Promise.all([lstat(from), digestOf(from)]);
      return { path, from, sha256, executable: (mode & 0o100) !== 0 };
    }),
  );
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  const all = createHash('sha256').update(JSON.stringify(files.map(({ from, ...file }) => file)));
  return { name: `${version}-${all.digest('hex').slice(0, 8)}`, files };
}

async function checkBundles(root: string): Promise<void> {
  const { bundleParts, isCurrent } = createRequire(import.meta.url)(join(root, 'libexec/start.cjs')) as {
    bundleParts: (name: string) => { code: string };
    isCurrent: (parts: object) => boolean;
  };
  const programs = await readdir(join(root, 'src/cli/programs')).catch(() => [] as string[]);
  const stale = programs.map((file) => file.replace(/\.ts$/, '')).filter((name) => !isCurrent(bundleParts(name)));
  if (stale.length === 0) return;
  throw new VtorqueError('E_INSTALL_SOURCE', `Cannot install from "${root}": it has changed since its set-up`, {
    hint: `Run "npm run setup" there, then install again`,
  });
}

async function collect(from: string, to: string, found: { path: string; from: string }[]): Promise<void> {
  const info = await lstat(from).catch(() => undefined);
  if (info === undefined || left.test(from)) return;
  if (!info.isDirectory()) found.push({ path: to, from });
  else for (const name of await readdir(from)) await collect(join(from, name), join(to, name), found);
}

/** SHA-256 of a file in hexadecimal digits; undefined when it is not there. */
export async function digestIfThere(path: string): Promise<string | undefined> {
  return digestOf(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** Copy a version to `target`, which is there wholly or not at all, however this ends. */
export async function copyRelease({ files }: Release, target: string): Promise<void> {
  const draft = draftOf(target);
  await removeDrafts(target);
  try {
    await mkdir(draft, { mode: 0o755 });
    for (const { path, from, executable } of files) {
      const to = join(draft, path);
      await mkdir(dirname(to), { recursive: true, mode: 0o755 });
      await copyFile(from, to, constants.COPYFILE_FICLONE);
      await chmod(to, executable ? 0o755 : 0o644);
    }
    const manifest: TreeFile[] = files.map(({ from, ...file }) => file);
    await writeFile(join(draft, MANIFEST), `${JSON.stringify({ files: manifest }, null, 1)}\n`, { mode: 0o644 });
    await rename(draft, target);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
