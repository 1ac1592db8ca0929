import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { fileReason, VtorqueError } from '../../base/index.ts';
import type { MountRequest, VmRequest } from '../../request/index.ts';
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

/**
 * Refuse folders before the job is queued that no node can share: what is no directory here is none there.
 * @param nodesAreHere this machine is all the nodes: what is missing here, or closed, is so there
 * @throws VtorqueError `E_MOUNT_SOURCE`
 */
export async function checkMountSources(mounts: readonly MountRequest[], nodesAreHere: boolean): Promise<void> {
  for (const { host, guest } of mounts) {
    try {
      await usableDirectory(host, guest);
    } catch (error) {
      if (!(error instanceof VtorqueError)) throw error;
      if (!nodesAreHere && (error.cause as NodeJS.ErrnoException).code !== 'ENOTDIR') continue;
      throw error.with({ phase: 'check' });
    }
  }
}

async function usableDirectory(host: string, guest: string): Promise<string> {
  try {
    const real = await realpath(host);
    if (!(await stat(real)).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' });
    await access(real, constants.R_OK | constants.X_OK);
    return real;
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is none on this node',
      ENOTDIR: 'it is not a directory',
    };
    throw new VtorqueError(
      'E_MOUNT_SOURCE',
      `Cannot mount "${host}" at "${guest}": ${reasons[code] ?? fileReason(cause)}`,
      {
        hint:
          code === 'ENOTDIR'
            ? 'Name a folder: a file comes into the VM with the folder that it is in'
            : 'The folder must be on the node on which the job runs, and yours to read',
        phase: 'storage',
        cause,
      },
    );
  }
}
