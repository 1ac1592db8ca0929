import { lstat, readdir, readFile, readlink, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/index.ts';
import { inodeOf, isOurHook, runAsAdmin } from './apply.ts';
import { removeDrafts } from './drafts.ts';
import type { Change } from './install.ts';
import { readRecord } from './record.ts';
import type { Installed } from './steps.ts';
import { digestIfThere, MANIFEST, type TreeFile } from './tree.ts';

type HookPlace = Pick<Installed & { kind: 'hook' }, 'path' | 'original'>;

export interface UninstallOptions {
  /** Tell what would be done, do nothing. */
  readonly dryRun: boolean;
  /** Places of hooks: ours go even if the record is lost, or was that of several machines and went with another one. */
  readonly hooks?: readonly HookPlace[];
}

/**
 * Take away what the record tells of, the last thing first. What has been changed since is kept and told about.
 * @returns what was done; nothing when nothing is installed
 */
export async function uninstall(record: string, { dryRun, hooks = [] }: UninstallOptions): Promise<Change[]> {
  const known = await readRecord(record);
  const changes: Change[] = [];
  for (const hook of hooks) {
    if (known?.installed.some(({ path }) => path === hook.path)) continue;
    if (await isOurHook(hook.path)) changes.push(...(await removeHook(hook, dryRun)));
  }
  if (known === undefined) return changes;
  const directories = known.installed.filter(({ kind }) => kind === 'directory');
  for (const each of known.installed.filter(({ kind }) => kind !== 'directory').reverse()) {
    changes.push(...(await remove(each, dryRun)));
  }
  changes.push({ action: 'remove', path: record });
  if (!dryRun) {
    await removeDrafts(record);
    await rm(record, { force: true });
  }
  // Those that hold something else by now stay, as they would for any package.
  for (const { path } of directories.reverse()) {
    if (dryRun || (await removed(path))) changes.push({ action: 'remove', path });
  }
  return changes;
}

async function remove(installed: Installed, dryRun: boolean): Promise<Change[]> {
  const { path } = installed;
  if (!dryRun) await removeDrafts(path);
  switch (installed.kind) {
    case 'directory':
      return [];
    case 'tree':
      return removeTree(path, dryRun);
    case 'link':
      if ((await readlink(path).catch(() => undefined)) === undefined) return [];
      if (!dryRun) await rm(path);
      return [{ action: 'remove', path }];
    case 'file':
      return removeFile(path, installed.sha256, dryRun);
    case 'hook':
      return removeHook(installed, dryRun);
    case 'commands':
      return undo(installed, dryRun);
  }
}

async function removeFile(path: string, sha256: string, dryRun: boolean): Promise<Change[]> {
  const now = await digestIfThere(path);
  if (now === undefined) return [];
  if (now !== sha256) return [{ action: 'keep', path, why: 'it has been changed' }];
  if (!dryRun) await rm(path);
  return [{ action: 'remove', path }];
}

async function removeHook({ path, original }: HookPlace, dryRun: boolean): Promise<Change[]> {
  if (!dryRun) await removeDrafts(path);
  const kept = await inodeOf(original);
  const now = await inodeOf(path);
  if (now !== undefined && now !== kept && !(await isOurHook(path))) {
    // The site has put its own hook here since; without an original there is nothing left to put back.
    const why = `it is not ours any more, and what was there before is "${original}"`;
    return kept === undefined ? [] : [{ action: 'keep', path, why }];
  }
  if (kept === undefined) {
    if (now === undefined) return [];
    if (!dryRun) await rm(path);
    return [{ action: 'remove', path }];
  }
  // Two names of one file: an installation that was killed. rename() would leave both.
  if (!dryRun) await (now === kept ? rm(original) : rename(original, path));
  return [{ action: 'restore', path }];
}

async function undo({ undo: commands }: Installed & { kind: 'commands' }, dryRun: boolean): Promise<Change[]> {
  const changes: Change[] = [];
  for (const argv of commands) {
    const path = argv.join(' ');
    changes.push({ action: 'run', path });
    if (dryRun) continue;
    await runAsAdmin(argv).catch((error: unknown) => {
      changes.push({ action: 'keep', path, why: messageOf(error) });
    });
  }
  return changes;
}

/** The files that came with a version, by its manifest; what else is in it stays, and so do its directories. */
async function removeTree(path: string, dryRun: boolean): Promise<Change[]> {
  const manifest = join(path, MANIFEST);
  const text = await readFile(manifest, 'utf8').catch(() => undefined);
  if (text === undefined) return [];
  const { files } = JSON.parse(text) as { files: readonly TreeFile[] };
  const changes: Change[] = [];
  for (const file of files) changes.push(...(await removeFile(join(path, file.path), file.sha256, dryRun)));
  // Last of the files, so that an uninstallation that was killed can be done again.
  if (!dryRun && !changes.some(({ action }) => action === 'keep')) await rm(manifest);
  changes.push({ action: 'remove', path: manifest });
  if (!dryRun) await removeEmpty(path);
  return changes;
}

async function removeEmpty(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeEmpty(join(path, entry.name));
  }
  await removed(path);
}

/** Whether an empty directory is gone now. */
async function removed(path: string): Promise<boolean> {
  try {
    if (!(await lstat(path)).isDirectory()) return false;
    await rmdir(path);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'ENOENT', 'EBUSY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
