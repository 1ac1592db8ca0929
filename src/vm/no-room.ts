import { formatSize, type Phase, VtorqueError } from '../base/index.ts';
import type { VmSpec } from './spec.ts';

/**
 * QEMU stops a guest that writes to a disk when there is no room for that, and would wait for somebody to make some. Pure.
 * @param directory where the node keeps what guests write to their system
 */
export function noRoom(spec: VmSpec, phase: Phase, disk: 'root' | 'data', directory: string): VtorqueError {
  const cannot = (state: string, hint: string): VtorqueError =>
    new VtorqueError('E_NODE_DISK_FULL', `Cannot go on: ${state}`, { hint, phase });
  if (disk === 'data') {
    const where = spec.data?.keeps === true ? "of its disk's file" : 'of the node for scratch disks';
    return cannot(
      `no space is left in the directory ${where} for what guest "${spec.name}" writes to /data`,
      'Write less, or have room made there: a disk takes space only as it is written to',
    );
  }
  const writes = `for what guest "${spec.name}" writes to its system`;
  const overlay = spec.disk?.overlay;
  if (overlay !== undefined) {
    return cannot(
      `the ${formatSize(overlay.room)} of memory are full that fs_type=ramdisk has ${writes}`,
      'Write large files to the working directory, or leave fs_type=ramdisk out',
    );
  }
  return cannot(
    `no space is left in "${directory}" of the node ${writes}`,
    'Write large files to the working directory, or have room made on the node',
  );
}
