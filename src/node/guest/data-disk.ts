import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, type Phase, VtorqueError } from '../../base/index.ts';
import { type GuestAgent, GuestCallError } from '../../guest/linux/index.ts';
import type { GuestSystem } from '../../image/index.ts';
import { mkfsArguments, readSuperblock, SUPERBLOCK } from '../../storage/index.ts';
import { dataDiskSerial } from '../../vm/index.ts';
import type { JobOwner } from './context.ts';
import { deviceWaitMs, MS } from './kinds/index.ts';
import { runInGuest } from './kinds/run-in-guest.ts';
import { dataPlace } from './mount-targets.ts';

/** What the node knows of the data disk. */
export interface DataVolume {
  /** For errors: `"/home/u/d.raw"`. */
  readonly name: string;
  /** There is no file system in it yet, nor anything else. */
  readonly blank: boolean;
  readonly keeps: boolean;
  readonly owner: Pick<JobOwner, 'uid' | 'gid'>;
  readonly guest: GuestSystem['kind'];
}

const driverWithinMs = 60_000;
const formatWithinMs = 600_000;
const giveWithinMs = 30_000;
/** Programs that have been killed have this long to be gone. */
const freeWithinMs = 5000;
const detach = 2;

/**
 * Mount the data disk at /data, for the job's owner; make a file system in it first if there is nothing at all in it.
 * @throws VtorqueError `E_DISK_CONTENT` for what is no file system, `E_DISK_ERRORS`, `E_DISK_FORMAT`, `E_DISK_MOUNT`
 */
export async function mountData(agent: GuestAgent, volume: DataVolume): Promise<void> {
  const { name, owner } = volume;
  // Systems that start themselves load what they need for their own disks; without this one another file system may be theirs.
  if (volume.guest === 'cloud') await runInGuest(agent, ['modprobe', '-a', 'virtio_blk', 'ext4'], driverWithinMs);
  const device = await findDevice(agent, name);
  if (volume.blank) await format(agent, device, volume);
  const state = await stateOf(agent, device);
  if (state === undefined) {
    throw cannot('E_DISK_CONTENT', `use disk=${name}`, 'it is not empty, and has no ext2, ext3 or ext4 file system', {
      hint: 'A file system must be on the whole disk, without partitions; an empty disk gets one by itself',
    });
  }
  if (state.errors) throw errorsIn(name, 'before the script ran', 'storage');
  const flags = MS.NOSUID | MS.NODEV;
  const mount = { source: device, target: dataPlace, type: 'ext4', flags, options: 'errors=remount-ro', waitMs: 0 };
  await agent.mount(mount).catch((error: unknown) => {
    throw cannot('E_DISK_MOUNT', `mount disk=${name} at ${dataPlace}`, messageOf(error), { cause: error });
  });
  // A file system that was made by root, or elsewhere, may leave its user no place for files.
  const give = 'if [ "$(stat -c %u "$1")" = 0 ]; then chown "$2" "$1"; fi';
  const argv = ['/bin/sh', '-c', give, 'sh', dataPlace, `${owner.uid}:${owner.gid}`];
  const { ended, output } = await runInGuest(agent, argv, giveWithinMs);
  if (ended !== 'exit code 0') {
    throw cannot('E_DISK_MOUNT', `give ${dataPlace} to its user`, `chown: ${ended}`, { details: output });
  }
}

/**
 * Unmount the data disk, whatever still uses it, and see that nothing is missing in it.
 * @throws VtorqueError `E_DISK_ERRORS` when its file system has got errors, `E_DISK_UNCLEAN` when it could not be unmounted
 */
export async function unmountData(agent: GuestAgent, { name, owner }: DataVolume): Promise<void> {
  const device = await findDevice(agent, name);
  if (await isBusy(agent)) {
    // In a guest with a system of its own, what the script has left running goes on until here.
    await runInGuest(agent, ['/bin/sh', '-c', 'kill -KILL -1'], freeWithinMs, owner);
    for (const end = Date.now() + freeWithinMs; (await isBusy(agent)) && Date.now() < end; ) await delay(100);
    await agent.umount(dataPlace, detach).catch(() => {});
    await agent.sync();
  }
  const state = await stateOf(agent, device);
  if (state?.errors) throw errorsIn(name, 'when the job ended', 'tear-down');
  if (!state?.clean) {
    throw new VtorqueError('E_DISK_UNCLEAN', `Cannot unmount disk=${name}: programs of the guest still use it`, {
      hint: 'Its file system is put right when it is mounted again; what was written last may be missing',
      phase: 'tear-down',
    });
  }
}

/** @returns false when it is not mounted any more */
async function isBusy(agent: GuestAgent): Promise<boolean> {
  try {
    await agent.umount(dataPlace);
    return false;
  } catch (error) {
    // The end of a guest that the agent runs itself has unmounted it.
    if (error instanceof GuestCallError && ['EINVAL', 'ENOENT'].includes(error.errno)) return false;
    if (error instanceof GuestCallError && error.errno === 'EBUSY') return true;
    throw error;
  }
}

async function findDevice(agent: GuestAgent, name: string): Promise<string> {
  for (const end = Date.now() + deviceWaitMs; Date.now() < end; await delay(50)) {
    for (const letter of 'abcdefgh') {
      const serial = await agent.readFile(`/sys/block/vd${letter}/serial`).catch((error: unknown) => {
        if (error instanceof GuestCallError) return '';
        throw error;
      });
      if (serial.toString().trim() === dataDiskSerial) return `/dev/vd${letter}`;
    }
  }
  throw cannot('E_DISK_MOUNT', `find disk=${name} in the guest`, 'its kernel shows no such disk', {
    hint: 'The kernel needs the drivers virtio_blk and ext4',
  });
}

async function stateOf(agent: GuestAgent, device: string): Promise<ReturnType<typeof readSuperblock>> {
  const { offset, length } = SUPERBLOCK;
  const [bytes = Buffer.alloc(0)] = await agent.call('read', [device, `${offset}`, `${length}`], {
    action: `read "${device}"`,
  });
  return readSuperblock(bytes);
}

async function format(agent: GuestAgent, device: string, { name, owner }: DataVolume): Promise<void> {
  const { ended, output } = await runInGuest(
    agent,
    ['mkfs.ext4', ...mkfsArguments(device, owner)],
    formatWithinMs,
  ).catch((error: unknown) => {
    if (error instanceof VtorqueError && error.code !== 'E_GUEST_EXEC') throw error;
    return { ended: messageOf(error), output: [] };
  });
  if (ended === 'exit code 0') return;
  throw cannot('E_DISK_FORMAT', `make a file system in disk=${name}`, `mkfs.ext4: ${ended}`, {
    hint: 'The guest, and for raw disks the node, can do it if it has mkfs.ext4 (Debian: e2fsprogs)',
    details: output,
  });
}

function errorsIn(name: string, when: string, phase: Phase): VtorqueError {
  return new VtorqueError('E_DISK_ERRORS', `Cannot trust disk=${name}: its file system had errors ${when}`, {
    hint: 'Have it checked, where no job uses it: e2fsck -f FILE',
    phase,
  });
}

function cannot(
  code: string,
  action: string,
  state: string,
  more: { readonly hint?: string; readonly details?: readonly string[]; readonly cause?: unknown },
): VtorqueError {
  return new VtorqueError(code, `Cannot ${action}: ${state}`, { phase: 'storage', ...more });
}
