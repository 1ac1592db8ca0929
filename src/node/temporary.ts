import { constants } from 'node:fs';
import { type FileHandle, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileReason, VtorqueError } from '../base/index.ts';
import { jobMark, type LeaseKey, readMark, temporaryPrefix } from './leases/lease.ts';

/** Where jobs have temporary directories. One that the batch system made for a job, it removes itself. */
export const temporaryPlaces: readonly string[] = ['/tmp', '/var/tmp'];
const OURS = 'vtorque-';
/** In each of them: whose it is. */
const MARK = 'job';
const LONGEST_MARK = 1024;

/** A temporary directory that carries the mark of a job. */
export interface MarkedDirectory {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  /** Milliseconds since 1970 of its last change. */
  readonly at: number;
  readonly key: LeaseKey;
}

/**
 * Make a temporary directory of a run of a job, which the job's hooks find by its name and the reaper by its mark.
 * @throws VtorqueError `E_NODE_TEMPORARY`
 */
export async function makeTemporary(place: string, key: LeaseKey): Promise<string> {
  let directory: string | undefined;
  try {
    directory = await mkdtemp(join(place, temporaryPrefix(key)));
    await writeFile(join(directory, MARK), jobMark(key), { flag: 'wx', mode: 0o600 });
    return directory;
  } catch (cause) {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
    throw new VtorqueError('E_NODE_TEMPORARY', `Cannot make a directory in "${place}": ${fileReason(cause)}`, {
      hint: 'Tell the admin of the node: there must be a place for temporary files of jobs',
      phase: 'storage',
      cause,
    });
  }
}

/** All temporary directories of this node that carry a mark; as an ordinary user only his own. */
export async function markedDirectories(places: readonly string[] = temporaryPlaces): Promise<MarkedDirectory[]> {
  const found = await Promise.all(
    places.map(async (place) => {
      const names = (await readdir(place)).filter((name) => name.startsWith(OURS));
      return Promise.all(names.map((name) => look(join(place, name))));
    }),
  );
  return found.flat().filter((each) => each !== undefined);
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** It is its owner's, who may put a link or a pipe there, and exchange it at any moment. */
async function look(path: string): Promise<MarkedDirectory | undefined> {
  let directory: FileHandle | undefined;
  let file: FileHandle | undefined;
  try {
    directory = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    file = await open(`/proc/self/fd/${directory.fd}/${MARK}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const [{ uid, gid, ctimeMs }, facts] = await Promise.all([directory.stat(), file.stat()]);
    if (!facts.isFile() || facts.uid !== uid || facts.size > LONGEST_MARK) return undefined;
    const { bytesRead, buffer } = await file.read(Buffer.alloc(LONGEST_MARK), 0, LONGEST_MARK, 0);
    const key = readMark(buffer.toString('latin1', 0, bytesRead));
    return key === undefined ? undefined : { path, uid, gid, at: ctimeMs, key };
  } catch {
    // It may go while it is looked at, and others' are not everybody's to read.
    return undefined;
  } finally {
    await file?.close();
    await directory?.close();
  }
}
