import { realpath } from 'node:fs/promises';
import { VtorqueError } from '../../base/index.ts';
import type { VmRequest } from '../../request/index.ts';
// Not through the room's index: vsub loads this.
import { inside, planShares, type SharedDirectory } from '../../storage/plan.ts';

/** Where the guest has the data disk; the name is that of 2018. */
export const dataPlace = '/data';

type Mounts = Pick<VmRequest, 'mounts' | 'disk'>;

/**
 * Refuse folders, and a disk, at places where one would hide another. Pure.
 * @param own the directories that every VM of the user has
 * @throws VtorqueError `E_MOUNT_TARGET`
 */
export function refuseHiddenMounts({ mounts = [], disk }: Mounts, own: readonly SharedDirectory[]): void {
  const taken = own.flatMap(({ targets }) => targets);
  const data = disk === undefined ? [] : [{ host: disk.file ?? 'the scratch disk', guest: dataPlace }];
  for (const { host, guest } of [...data, ...mounts]) {
    const other = taken.find((target) => inside(guest, target) || inside(target, guest));
    if (other !== undefined) {
      throw new VtorqueError('E_MOUNT_TARGET', `Cannot mount "${host}" at "${guest}": "${other}" is mounted there`, {
        hint: 'Choose a place that is neither in another shared folder nor around one, for instance /mnt/data',
        phase: 'storage',
      });
    }
    taken.push(guest);
  }
}

/**
 * The same before the job is queued, when the directories that its VM will have are as good as known.
 * @param directories that the job will name
 * @throws VtorqueError `E_MOUNT_TARGET`
 */
export async function checkMountTargets(mounts: Mounts, directories: readonly string[]): Promise<void> {
  const known = await Promise.all(
    directories.map(async (path) => ({ path, real: await realpath(path).catch(() => path) })),
  );
  try {
    refuseHiddenMounts(mounts, planShares(known));
  } catch (error) {
    throw error instanceof VtorqueError ? error.with({ phase: 'check' }) : error;
  }
}
