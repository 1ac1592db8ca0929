import { quote } from './quote.ts';
import { type DataDisk, dataDiskSerial, type RootDisk, type VmSpec } from './spec.ts';

/** The part of QEMU's command line that is about disks. Pure. */
export function diskArguments({ disk, boot, data }: VmSpec): string[] {
  return [
    ...(disk === undefined ? [] : rootDisk(disk)),
    ...(disk === undefined || boot.kind === 'direct' ? [] : seedDisk(boot.seed)),
    ...(data === undefined ? [] : dataDisk(data)),
  ];
}

function rootDisk({ path, format, overlay }: RootDisk): string[] {
  const device = ['-device', 'virtio-blk-pci,drive=root'];
  if (overlay === undefined) {
    // snapshot=on: QEMU writes to a temporary file that it unlinks while it is open, so it cannot be left behind.
    const drive = `if=none,id=root,file=${quote(path)},format=${format},snapshot=on,cache=unsafe,discard=unmap`;
    return ['-drive', drive, ...device];
  }
  const { fd, room } = overlay;
  return [
    ...['-add-fd', `fd=${fd},set=1`],
    ...['-blockdev', `driver=${format},node-name=base,read-only=on,file.driver=file,file.filename=${quote(path)}`],
    // With a size QEMU's raw driver lets nothing grow beyond it, and tells the guest's disk that no space is left.
    ...['-blockdev', `driver=raw,node-name=room,size=${room},file.driver=file,file.filename=/dev/fdset/1`],
    ...['-blockdev', 'driver=qcow2,node-name=root,file=room,backing=base,discard=unmap,cache.no-flush=on'],
    ...device,
  ];
}

function seedDisk(path: string): string[] {
  const drive = `if=none,id=seed,file=${quote(path)},format=raw,readonly=on`;
  return ['-drive', drive, '-device', 'virtio-blk-pci,drive=seed'];
}

/** QEMU takes its own lock on the file: nobody else's QEMU writes to it meanwhile. */
function dataDisk({ fd, format, keeps }: DataDisk): string[] {
  const flush = keeps ? '' : ',cache.no-flush=on';
  const file = 'file.driver=file,file.filename=/dev/fdset/2,file.locking=on';
  return [
    ...['-add-fd', `fd=${fd},set=2`],
    ...['-blockdev', `driver=${format},node-name=data,discard=unmap${flush},${file}`],
    ...['-device', `virtio-blk-pci,drive=data,serial=${dataDiskSerial}`],
  ];
}
