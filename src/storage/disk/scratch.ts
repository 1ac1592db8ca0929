import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileReason, VtorqueError } from '../../base/index.ts';

/** Linux on x86 and ARM: O_TMPFILE without the bit of O_DIRECTORY that goes with it. */
const temporary = 0o20000000 | constants.O_DIRECTORY;

/**
 * Make a file without a name, sparse: it is gone when nobody has it open any more, however that comes about.
 * @param size bytes
 * @param content what it begins with
 * @throws VtorqueError `E_SCRATCH` when there can be none in this directory
 */
export async function scratchFile(
  directory: string,
  size: number,
  content: Uint8Array = Buffer.alloc(0),
): Promise<FileHandle> {
  try {
    const file = await nameless(directory);
    try {
      await file.truncate(size);
      for (let at = 0; at < content.length; )
        at += (await file.write(content, at, content.length - at, at)).bytesWritten;
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such directory' : fileReason(cause);
    throw new VtorqueError('E_SCRATCH', `Cannot keep temporary files in "${directory}": ${reason}`, {
      hint: 'It must be a directory of the node in which you may write: TMPDIR of the job, or storage.scratch of the site',
      phase: 'storage',
      cause,
    });
  }
}

async function nameless(directory: string): Promise<FileHandle> {
  try {
    return await open(directory, constants.O_RDWR | temporary, 0o600);
  } catch (error) {
    // NFS, and kernels that do not know the flag and see a directory.
    if (!['EOPNOTSUPP', 'EISDIR', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    const path = join(directory, `.vtorque-${randomBytes(8).toString('hex')}`);
    const file = await open(path, 'wx+', 0o600);
    await unlink(path);
    return file;
  }
}
