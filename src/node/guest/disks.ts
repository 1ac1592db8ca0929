import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { GuestAgent } from '../../guest/linux/index.ts';
import type { GuestDisk, GuestSystem } from '../../image/index.ts';
import type { PlannedVm } from '../../plan/index.ts';
import type { VmRequest } from '../../request/index.ts';
import { ownPlaces } from '../../site/index.ts';
import { emptyQcow2, formatHere, openDisk, scratchFile } from '../../storage/index.ts';
import { type DataDisk, firstFileDescriptor, type RootOverlay } from '../../vm/index.ts';
import type { JobContext } from './context.ts';
import { type DataVolume, mountData, unmountData } from './data-disk.ts';
import type { NodeSettings } from './node-settings.ts';

/** The disks of a VM that are the job's own. Disposing of it, after the machine, lets them go. */
export interface VmDisks extends AsyncDisposable {
  readonly overlay?: RootOverlay;
  readonly data?: DataDisk;
  /** What QEMU gets of ours, in this order. */
  readonly files: readonly number[];
  /**
   * Have the data disk in a guest that is the job's own otherwise.
   * @throws VtorqueError `E_DISK_CONTENT`, `E_DISK_ERRORS`, `E_DISK_FORMAT`, `E_DISK_MOUNT`
   */
  mount(agent: GuestAgent): Promise<void>;
  /**
   * See that all that was written is in the disk's file, once the programs of the job have ended.
   * @throws VtorqueError `E_DISK_ERRORS`, `E_DISK_UNCLEAN`
   */
  unmount(agent: GuestAgent): Promise<void>;
}

export interface DisksOptions {
  readonly context: JobContext;
  readonly request: VmRequest;
  readonly guest: GuestSystem;
  readonly vm: PlannedVm;
  readonly settings: Pick<NodeSettings, 'storage'>;
}

const inMemory = '/dev/shm';

/**
 * Open and make what the VM needs of disks besides its image: the data disk if it is the first of its job, and the overlay of `fs_type=ramdisk`.
 * @throws VtorqueError `E_DISK_FILE`, `E_DISK_IN_USE`, `E_SCRATCH`
 */
export async function prepareDisks({ context, request, guest, vm, settings }: DisksOptions): Promise<VmDisks> {
  await using cleanup = new AsyncDisposableStack();
  const { overlay, data } = plannedDisks(request, guest.kind, vm.rank, settings);
  const { owner, env } = context;
  const files: number[] = [];
  if (overlay !== undefined && guest.kind !== 'host') {
    const empty = emptyQcow2(await virtualSize(guest.disk));
    files.push(cleanup.use(await scratchFile(inMemory, overlay.room, empty)).fd);
  }
  let volume: DataVolume | undefined;
  if (data !== undefined) {
    const disk = cleanup.use(
      await openDisk(request.disk ?? {}, {
        holder: { job: context.id, node: context.node },
        locks: join(ownPlaces(env, owner.uid).state, 'disks'),
        scratch: scratchDirectory(settings, env),
      }),
    );
    files.push(disk.file.fd);
    const formatted = disk.blank && disk.format === 'raw' && (await formatHere(disk, owner));
    const { name, keeps } = disk;
    volume = { name, keeps, blank: disk.blank && !formatted, owner, guest: guest.kind };
  }
  const kept = cleanup.move();
  return {
    ...(overlay === undefined ? {} : { overlay }),
    ...(data === undefined ? {} : { data }),
    files,
    mount: async (agent) => {
      if (volume !== undefined) await mountData(agent, volume);
    },
    unmount: async (agent) => {
      if (volume?.keeps) await unmountData(agent, volume);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The same, decided and nothing of it there. Pure. */
export function plannedDisks(
  request: VmRequest,
  guest: GuestSystem['kind'],
  rank: number,
  { storage }: Pick<NodeSettings, 'storage'>,
): Pick<VmDisks, 'overlay' | 'data'> {
  const inRam = guest !== 'host' && changesInMemory(request);
  const { disk } = request;
  const fd = firstFileDescriptor + (inRam ? 1 : 0);
  const format = disk?.file?.endsWith('.qcow2') ? 'qcow2' : 'raw';
  return {
    ...(inRam ? { overlay: { fd: firstFileDescriptor, room: storage.ramdisk } } : {}),
    ...(disk === undefined || rank > 0 ? {} : { data: { fd, format, keeps: disk.file !== undefined } }),
  };
}

/**
 * Whether what VMs change in their image is kept in memory of the node. The node's own system has no image: what its guests change is in their own
 * memory always. Pure.
 */
export function changesInMemory({ fsType, img }: Pick<VmRequest, 'fsType' | 'img'>): boolean {
  return fsType === 'ramdisk' && img !== 'host';
}

/** Where this node keeps what VMs write and what goes with them. */
export function scratchDirectory(
  { storage }: Pick<NodeSettings, 'storage'>,
  env: Readonly<Record<string, string>>,
): string {
  return storage.scratch || env.TMPDIR || '/var/tmp';
}

/** Bytes that a guest sees of an image, in whole sectors. The image was checked when it came into the pool. */
async function virtualSize({ path, format }: GuestDisk): Promise<number> {
  await using file = await open(path, 'r');
  if (format === 'raw') return Math.ceil((await file.stat()).size / 512) * 512;
  const { buffer } = await file.read({ buffer: Buffer.alloc(32), position: 0 });
  return Number(buffer.readBigUInt64BE(24));
}
