import { chmod, lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKAGE } from '../kernel/store.ts';
import type { Recipe } from '../recipes/index.ts';
import { run } from '../run.ts';
import type { GuestKernel } from '../types.ts';
import type { Privileges } from './privileges.ts';
import { HOST_SETTINGS } from './stages.ts';

const STEP_MS = 300_000;

export interface TreeOptions {
  readonly recipe: Recipe;
  readonly kernel: GuestKernel;
  readonly privileges: Privileges;
  /** The build's own directory. */
  readonly work: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Unpack the packages' archive into a root directory and complete it: all modules of the kernel, the recipe's files.
 * @returns the directory's path
 */
export async function makeTree(
  archive: string,
  { recipe, kernel, privileges, work, signal }: TreeOptions,
): Promise<string> {
  const tree = join(work, 'tree');
  const step = (...argv: [string, ...string[]]): Promise<Buffer> =>
    run(privileges.command(argv, work), { withinMs: STEP_MS, signal });
  await mkdir(tree);
  const without = [...recipe.remove, HOST_SETTINGS].map((pattern) => `--exclude=./${pattern}`);
  await step('tar', '-C', tree, '--numeric-owner', '--xattrs', '--xattrs-include=*', ...without, '-xf', archive);
  await rm(archive);
  const unpacked = join(work, 'kernel');
  await step('dpkg-deb', '--extract', join(kernel.dir, PACKAGE), unpacked);
  await step('depmod', '-b', unpacked, kernel.release);
  // /lib of the tree is a link to usr/lib; the target is named so that the link does not matter.
  await step('mkdir', '-p', join(tree, 'usr/lib/modules'));
  await step('mv', '--', join(unpacked, 'lib/modules', kernel.release), join(tree, 'usr/lib/modules', kernel.release));
  await step('rm', '-rf', '--', unpacked);
  for (const file of recipe.files) await writeInTree(tree, file.path, file.content, file.mode ?? 0o644);
  return tree;
}

/**
 * Write a file below `tree`, never through a symbolic link: one that is absolute would lead into this machine's own
 * directories.
 */
export async function writeInTree(tree: string, path: string, content: string, mode: number): Promise<void> {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new Error(`not a path in a tree: ${path}`);
  let dir = tree;
  for (const part of parts.slice(0, -1)) {
    dir = join(dir, part);
    const facts = await lstat(dir).catch(() => undefined);
    if (facts === undefined) await mkdir(dir, { mode: 0o755 });
    else if (!facts.isDirectory()) throw new Error(`not a directory in the tree: ${dir}`);
  }
  const file = join(tree, path);
  await rm(file, { force: true });
  await writeFile(file, content, { flag: 'wx' });
  await chmod(file, mode);
}
