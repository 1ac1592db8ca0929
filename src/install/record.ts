import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, VtorqueError } from '../base/index.ts';
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

/** Written before what it tells of is done, so that whatever an installation that was killed has left is known. */
export async function writeRecord(path: string, record: InstallRecord): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, `${JSON.stringify(record, null, 1)}\n`, { mode: 0o644, flush: true });
  await rename(draft, path);
}
