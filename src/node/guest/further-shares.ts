import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { VtorqueError } from '../../base/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { SharedDirectory } from '../../storage/index.ts';
import { refuseHiddenMounts } from './mount-targets.ts';

/** A folder that the job asked for with `mount=`. */
export interface FurtherShare extends SharedDirectory {
  readonly readonly: boolean;
}

/**
 * The folders that a job asked for with `mount=`, as they are on this node.
 * @param request with the disk, whose place no folder may take
 * @param own the directories that every VM of the user has
 * @throws VtorqueError `E_MOUNT_SOURCE` for what is no directory here or closed to the user, `E_MOUNT_TARGET` for a
 *   place where one folder would hide another
 */
export async function furtherShares(
  request: Pick<VmRequest, 'mounts' | 'disk'>,
  own: readonly SharedDirectory[],
): Promise<FurtherShare[]> {
  const { mounts = [] } = request;
  refuseHiddenMounts(request, own);
  return Promise.all(
    mounts.map(async ({ host, guest, readonly }) => ({
      ...{ source: await usableDirectory(host, guest), targets: [guest], readonly },
    })),
  );
}

async function usableDirectory(host: string, guest: string): Promise<string> {
  try {
    const real = await realpath(host);
    if (!(await stat(real)).isDirectory()) throw new Error('it is not a directory');
    await access(real, constants.R_OK | constants.X_OK);
    return real;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is none on this node',
      EACCES: 'it is closed to you',
    };
    throw new VtorqueError(
      'E_MOUNT_SOURCE',
      `Cannot mount "${host}" at "${guest}": ${reasons[code ?? ''] ?? message}`,
      {
        hint: 'The folder must be on the node on which the job runs, and yours to read',
        phase: 'storage',
        cause,
      },
    );
  }
}
