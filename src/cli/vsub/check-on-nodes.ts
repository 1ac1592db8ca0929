import type { Env } from '../../base/index.ts';
import { imagePools } from '../../image/catalogue.ts';
import { checkDistro, distroOfHost } from '../../image/distro.ts';
import type { VmRequest } from '../../request/index.ts';
import { placesToRead } from '../../site/index.ts';

/** What this machine knows of the nodes. */
export interface HereAndThere {
  readonly env: Env;
  readonly uid: number;
  /** This machine is all the nodes: what is not here is not there. */
  readonly nodesAreHere: boolean;
}

/**
 * Refuse a request for what the nodes cannot have, as far as it can be told here: folders, kernel, disk, the system of the node itself.
 * @param request with absolute paths
 * @throws VtorqueError `E_MOUNT_SOURCE`, `E_KERNEL_IMAGE`, `E_KERNEL_FILE`, `E_KERNEL_MODULES`, `E_DISK_FILE`, `E_IMAGE_DISTRO`
 */
export async function checkOnNodes(request: VmRequest, { env, uid, nodesAreHere }: HereAndThere): Promise<void> {
  const { img, distro, mounts, kernel, disk } = request;
  // Each is loaded where it is needed only: most jobs want none of these.
  if (mounts !== undefined) {
    const { checkMountSources } = await import('../../node/guest/further-shares.ts');
    await checkMountSources(mounts, nodesAreHere);
  }
  if (kernel !== undefined) {
    const { checkKernel } = await import('./kernel-check.ts');
    await checkKernel(kernel, img, imagePools(placesToRead(env, uid)), { uid, nodesAreHere });
  }
  if (disk?.file !== undefined) {
    const { checkDiskFile } = await import('../../storage/disk/open.ts');
    await checkDiskFile(disk.file, disk.size, nodesAreHere ? 'refused' : 'allowed');
  }
  if (distro !== undefined && img === 'host' && nodesAreHere) checkDistro(distro, img, await distroOfHost());
}
