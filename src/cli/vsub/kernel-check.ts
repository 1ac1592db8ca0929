import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { findImage } from '../../image/catalogue.ts';
import { checkKernelTakes, modulesFor, readOwnKernel, unusable } from '../../image/kernel/own-file.ts';
import { readKernelRecord } from '../../image/kernel/store.ts';

export interface KernelCheck {
  readonly uid: number;
  /** This machine is the node: what is not here is not there. */
  readonly nodesAreHere: boolean;
}

/**
 * Refuse a kernel of the user's own that cannot boot this guest, as far as it can be told here.
 * @param file absolute
 * @throws VtorqueError `E_KERNEL_IMAGE`, `E_KERNEL_FILE`, `E_KERNEL_MODULES`, `E_IMAGE_UNKNOWN`
 */
export async function checkKernel(
  file: string,
  image: string,
  pools: readonly string[],
  { uid, nodesAreHere }: KernelCheck,
): Promise<void> {
  const entry = await findImage(image, pools);
  checkKernelTakes(file, entry);
  const there = await access(file).then(
    () => true,
    () => false,
  );
  if (!there && !nodesAreHere) return;
  if (!there) throw unusable(file, 'there is no such file, or it is closed to you', 'Name the file of a kernel');
  const kernel = await readOwnKernel(file, uid);
  if (entry.kind !== 'host' && entry.manifest.boot === 'direct') {
    const usual = await readKernelRecord(join(entry.dir, entry.manifest.kernel.dir));
    if (usual?.release === kernel.release) return;
  }
  // Other nodes may have modules in their own system that this machine has not.
  if (kernel.modules !== undefined || nodesAreHere) modulesFor(kernel, entry.kind);
}
