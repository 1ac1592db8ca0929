import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { apply, asInstalled, isDone, makeDirectory, missingDirectories } from './apply.ts';
import { readRecord, writeRecord } from './record.ts';
import type { Installed, Step } from './steps.ts';
import { MANIFEST } from './tree.ts';

/** One change to the machine, for a person: `create`, `replace` and so on, and what. */
export interface Change {
  readonly action: 'create' | 'replace' | 'remove' | 'restore' | 'run' | 'keep';
  readonly path: string;
  /** Why something is kept. */
  readonly why?: string;
}

export interface InstallOptions {
  readonly steps: readonly Step[];
  readonly prefix: string;
  /** The file that remembers what is installed. */
  readonly record: string;
  /** Tell what would be done, do nothing. */
  readonly dryRun: boolean;
}

/**
 * Do what is not done yet. Killed at any moment, it leaves each single thing old or new, and a record of all of it.
 * @returns what was changed; nothing when all was there
 * @throws VtorqueError `E_INSTALL`, `E_INSTALL_HOOK`, `E_INSTALL_RECORD`
 */
export async function install({ steps, prefix, record, dryRun }: InstallOptions): Promise<Change[]> {
  const known = (await readRecord(record))?.installed ?? [];
  const due: Step[] = [];
  for (const step of steps) if (!(await isDone(step))) due.push(step);
  const own = steps.filter((step) => due.includes(step) || isKnown(known, step.path) || !isShared(step));
  // Commands switch on what other steps have put there.
  const real = due.some(({ kind }) => kind !== 'commands') || own.some((step) => !isKnown(known, step.path));
  if (!real) return [];
  const directories = await directoriesFor(due, record);
  const ofSteps = await Promise.all(due.map(changesOf));
  const changes = [...directories.map((path): Change => ({ action: 'create', path })), ...ofSteps.flat()];
  if (dryRun) return changes;
  const added: Installed[] = [
    ...directories.map((path): Installed => ({ kind: 'directory', path })),
    ...own.map(asInstalled),
  ];
  for (const path of directories.filter((each) => isAbove(each, record))) await makeDirectory(path);
  await writeRecord(record, { format: 1, prefix, installed: merged(known, added) });
  for (const path of directories.filter((each) => !isAbove(each, record))) await makeDirectory(path);
  for (const step of due) await apply(step);
  return changes;
}

/** What many machines can see on one file system: it is taken away by the machine that has put it there. */
function isShared({ kind }: Step): boolean {
  return kind === 'tree' || kind === 'link';
}

async function directoriesFor(due: readonly Step[], record: string): Promise<string[]> {
  const paths = due.filter(({ kind }) => kind !== 'commands').map(({ path }) => dirname(path));
  const missing = new Set<string>();
  for (const path of [dirname(record), ...paths]) for (const each of await missingDirectories(path)) missing.add(each);
  return [...missing];
}

function isAbove(directory: string, path: string): boolean {
  return path.startsWith(`${directory}/`);
}

async function changesOf(step: Step): Promise<Change[]> {
  if (step.kind === 'commands')
    return [...(step.create === undefined ? [] : [step.create]), ...step.run].map((argv) => ({
      action: 'run',
      path: argv.join(' '),
    }));
  if (step.kind !== 'tree') return [{ action: (await isThere(step.path)) ? 'replace' : 'create', path: step.path }];
  const files = [...step.release.files.map(({ path }) => path), MANIFEST];
  return files.map((path) => ({ action: 'create', path: `${step.path}/${path}` }));
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function isKnown(installed: readonly Installed[], path: string): boolean {
  return installed.some((each) => each.path === path);
}

/** One entry for each path: the new one counts, in the place of the old one. */
function merged(known: readonly Installed[], added: readonly Installed[]): Installed[] {
  return [...new Map([...known, ...added].map((each) => [each.path, each])).values()];
}
