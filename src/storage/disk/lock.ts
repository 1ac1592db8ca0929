import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256, VtorqueError } from '../../base/index.ts';
import { lockDescriptor, makePrivateDirectory } from '../../process/index.ts';

/** Who uses a disk. */
export interface DiskHolder {
  readonly job: string;
  readonly node: string;
}

/** A job that has just ended, or was killed, may still be letting go. */
const WAIT_MS = 3000;

/**
 * Say that this job uses a disk, until disposed of or until this process ends, however it ends. QEMU locks the file itself, which holds against everybody;
 * this lock, among the records of the user's jobs, knows by its text who it is.
 * @param file without symbolic links
 * @param directory of the locks: where homes are shared the jobs of all nodes see it
 * @throws VtorqueError `E_DISK_IN_USE` with the job that uses it; `E_FLOCK`
 */
export async function lockDisk(
  file: string,
  holder: DiskHolder,
  directory: string,
  waitMs: number = WAIT_MS,
): Promise<AsyncDisposable> {
  await makePrivateDirectory(directory);
  const lock = await open(join(directory, sha256(Buffer.from(file)).slice(0, 32)), 'a+', 0o600);
  try {
    if (!(await lockDescriptor(lock.fd, { kind: 'exclusive', what: 'the disk', waitMs }))) {
      throw inUse(file, (await textOf(lock)).trim());
    }
    await lock.truncate(0);
    await lock.write(`job "${holder.job}" on node "${holder.node}" since ${new Date().toLocaleString('sv')}\n`);
    return { [Symbol.asyncDispose]: () => lock.close() };
  } catch (error) {
    await lock.close();
    throw error;
  }
}

async function textOf(lock: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await lock.read({ buffer: Buffer.alloc(1000), position: 0 });
  return buffer.toString('utf8', 0, bytesRead);
}

/** @param by who uses it, in words; empty if nobody has said so */
function inUse(file: string, by: string): VtorqueError {
  const who = by === '' ? 'another job or program uses it' : `it is used by ${by}`;
  return new VtorqueError('E_DISK_IN_USE', `Cannot use disk="${file}": ${who}`, {
    hint: 'A disk can be in one VM at a time; let the jobs wait for each other, for instance with -W depend=afterany:JOB',
    phase: 'storage',
  });
}
