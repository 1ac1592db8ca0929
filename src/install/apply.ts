import { chmod, link, lstat, mkdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, sha256, VtorqueError } from '../base/index.ts';
import { type Argv, runTool } from '../process/index.ts';
import { atomically } from './drafts.ts';
import type { Installed, Step } from './steps.ts';
import { copyRelease } from './tree.ts';

/** The second line of our hooks. */
export const HOOK_MARK = '# A hook of vTorque. What was here before is run by it, and put back by vtorque uninstall.';

const COMMAND_MS = 60_000;

/** What the record says of a step. */
export function asInstalled(step: Step): Installed {
  switch (step.kind) {
    case 'tree':
      return { kind: 'tree', path: step.path };
    case 'link':
      return step;
    case 'file':
      return { kind: 'file', path: step.path, sha256: sha256(Buffer.from(step.content)) };
    case 'hook':
      return { kind: 'hook', path: step.path, original: step.original, sha256: sha256(Buffer.from(step.content)) };
    case 'commands':
      return { kind: 'commands', path: step.path, undo: step.undo };
  }
}

/** Whether a step has been done, and nothing has changed since. Commands are always run again: they do no harm then. */
export async function isDone(step: Step): Promise<boolean> {
  switch (step.kind) {
    case 'tree':
      return exists(step.path);
    case 'link':
      return (await readlink(step.path).catch(() => undefined)) === step.target;
    case 'file':
    case 'hook': {
      const mode = await stat(step.path).then(
        (info) => info.mode & 0o777,
        () => 0,
      );
      return mode === modeOf(step) && (await readFile(step.path, 'utf8')) === step.content;
    }
    case 'commands':
      return false;
  }
}

/**
 * Do a step, as one change wherever something else could look at it meanwhile.
 * @throws VtorqueError `E_INSTALL`, `E_INSTALL_HOOK`
 */
export async function apply(step: Step): Promise<void> {
  try {
    await applyStep(step);
  } catch (cause) {
    if (cause instanceof VtorqueError) throw cause;
    const denied = ['EACCES', 'EPERM', 'EROFS'].includes((cause as NodeJS.ErrnoException).code ?? '');
    throw new VtorqueError('E_INSTALL', `Cannot install "${step.path}": ${messageOf(cause)}`, {
      hint: denied
        ? 'Install as root, or name a directory of your own with --prefix'
        : 'Install again when that is solved',
      cause,
    });
  }
}

async function applyStep(step: Step): Promise<void> {
  switch (step.kind) {
    case 'tree':
      return copyRelease(step.release, step.path);
    case 'link':
      return atomically(step.path, (draft) => symlink(step.target, draft));
    case 'file':
      return writeWhole(step.path, step.content, modeOf(step));
    case 'hook':
      await keepOriginal(step);
      return writeWhole(step.path, step.content, modeOf(step));
    case 'commands':
      if (step.create !== undefined) await runAsAdmin(step.create).catch(() => {});
      for (const argv of step.run) await runAsAdmin(argv);
  }
}

/** With his environment: qmgr and its server are where he has them. @throws ToolFailed */
export async function runAsAdmin(argv: Argv): Promise<void> {
  await runTool(argv, { env: process.env, withinMs: COMMAND_MS });
}

function modeOf(step: Step & { kind: 'file' | 'hook' }): number {
  return step.kind === 'hook' || step.executable ? 0o755 : 0o644;
}

/** The site's own file gets a second name, so that there is no moment without a hook; ours then takes the first one. */
async function keepOriginal({ path, original }: Step & { kind: 'hook' }): Promise<void> {
  const [now, kept] = await Promise.all([inodeOf(path), inodeOf(original)]);
  if (now === undefined || now === kept || (await isOurHook(path))) return;
  if (kept === undefined) return link(path, original);
  throw new VtorqueError(
    'E_INSTALL_HOOK',
    `Cannot install "${path}": it is not ours any more, and "${original}" is there`,
    {
      hint: `Keep one of the two as "${path}" and remove the other, then install again`,
    },
  );
}

/** Whether a hook is one that some version of vTorque has put there. */
export async function isOurHook(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n')[1] === HOOK_MARK;
}

/** What the file with this path is, by its own identity; undefined when there is none. */
export async function inodeOf(path: string): Promise<string | undefined> {
  const info = await lstat(path, { bigint: true }).catch(() => undefined);
  return info === undefined ? undefined : `${info.dev}:${info.ino}`;
}

async function writeWhole(path: string, content: string, mode: number): Promise<void> {
  await atomically(path, async (draft) => {
    await writeFile(draft, content, { mode, flag: 'wx' });
    await chmod(draft, mode);
  });
}

/** Directories that are not there yet, the outermost first. */
export async function missingDirectories(path: string): Promise<string[]> {
  const missing: string[] = [];
  for (let directory = path; !(await exists(directory)); directory = dirname(directory)) missing.unshift(directory);
  return missing;
}

/** @throws VtorqueError `E_INSTALL` */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o755 });
    await chmod(path, 0o755);
  } catch (cause) {
    throw new VtorqueError('E_INSTALL', `Cannot make the directory "${path}": ${messageOf(cause)}`, {
      hint: 'Install as root, or name a directory of your own with --prefix',
      cause,
    });
  }
}

function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
