import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, VtorqueError } from '../base/index.ts';
import { atomically } from './drafts.ts';
import type { Installed } from './steps.ts';

/** Everything that is installed on this machine, in the order in which it came. */
export interface InstallRecord {
  readonly format: 1;
  readonly prefix: string;
  readonly installed: readonly Installed[];
}

/**
 * What this machine remembers; undefined when nothing is installed.
 * @throws VtorqueError `E_INSTALL_RECORD` when it cannot be read
 */
export async function readRecord(path: string): Promise<InstallRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(path, 'utf8')) as InstallRecord;
    if (record.format !== 1) throw new Error(`it has format ${record.format}`);
    return record;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new VtorqueError('E_INSTALL_RECORD', `Cannot read "${path}": ${messageOf(cause)}`, {
      hint: 'It says what vtorque install has put on this machine: restore it from a backup',
      cause,
    });
  }
}

/**
 * Whether a version is below `prefix` that another machine has put there: this one has only to use it.
 * @param path of the record of this machine
 * @throws VtorqueError `E_INSTALL_RECORD`
 */
export async function isOfOthers(prefix: string, path: string): Promise<boolean> {
  if (!existsSync(join(prefix, 'current'))) return false;
  const installed = (await readRecord(path))?.installed ?? [];
  return !installed.some((each) => each.kind === 'tree' && dirname(each.path) === prefix);
}

/** Written before what it tells of is done, so that whatever an installation that was killed has left is known. */
export async function writeRecord(path: string, record: InstallRecord): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const text = `${JSON.stringify(record, null, 1)}\n`;
  await atomically(path, (draft) => writeFile(draft, text, { mode: 0o644, flush: true }));
}
