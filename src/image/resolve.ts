import { join } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import type { Places } from '../site/index.ts';
import { findImage, imagePools } from './catalogue.ts';
import { rememberedDigest } from './digest.ts';
import { initrdName, initrdsIn } from './initrd/ensure.ts';
import { findKernel, kernelAt } from './kernel/store.ts';
import { whyNotTrusted } from './trust.ts';
import type { DiskEntry, GuestKernel, GuestSystem } from './types.ts';

export interface ResolveOptions {
  /** Where to look, first match wins; the last one is the user's own (for root: the only one). */
  readonly places: readonly Places[];
  /** Path of the guest agent that the initial RAM disk must have. */
  readonly agent: string;
  /** Who will boot it; this process's user unless given. */
  readonly uid?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * All that a VM needs to boot guest `name`. Nothing is downloaded or made here: a job must not wait for that.
 * What neither root nor the user himself wrote is not used; an image's disk must have its manifest's digest.
 * @throws VtorqueError `E_IMAGE_UNKNOWN`, `E_IMAGE_MANIFEST`, `E_IMAGE_DAMAGED`, `E_GUEST_NOT_READY` with the command that helps
 */
export async function resolveGuest(name: string, options: ResolveOptions): Promise<GuestSystem> {
  const uid = options.uid ?? process.getuid?.() ?? 0;
  const entry = await findImage(name, imagePools(options.places));
  if (entry.kind === 'host') {
    const kernel = await findKernel(options.places, uid);
    if (kernel === undefined) throw notReady(name, 'there is no guest kernel');
    return { name, kind: 'host', ...(await bootFiles(name, kernel, options, uid)) };
  }
  const kernel = await kernelAt(join(entry.dir, entry.manifest.kernel.dir));
  if (kernel === undefined) throw notReady(name, 'its kernel is missing', '--force ');
  const boot = await bootFiles(name, kernel, options, uid);
  const path = await checkedDisk(entry, options, uid);
  return {
    name,
    kind: 'disk',
    ...boot,
    disk: { path, format: entry.manifest.disk.format },
    rootFs: entry.manifest.root,
  };
}

async function bootFiles(
  name: string,
  kernel: GuestKernel,
  { places, agent }: ResolveOptions,
  uid: number,
): Promise<Pick<GuestSystem, 'kernel' | 'kernelRelease' | 'initrd'>> {
  const reason = await whyNotTrusted(kernel.vmlinux, uid);
  if (reason !== undefined) throw notReady(name, `its kernel is not to be trusted, ${reason}`);
  const file = await initrdName(kernel.dir, agent);
  const rejected: string[] = [];
  for (const place of places) {
    const initrd = join(initrdsIn(place), file);
    const why = await whyNotTrusted(initrd, uid);
    if (why === undefined) return { kernel: kernel.vmlinux, kernelRelease: kernel.release, initrd };
    rejected.push(why);
  }
  throw notReady(name, `there is no initial RAM disk for kernel ${kernel.release} and this agent`, '', rejected);
}

async function checkedDisk(entry: DiskEntry, options: ResolveOptions, uid: number): Promise<string> {
  const path = join(entry.dir, entry.manifest.disk.file);
  const reason = await whyNotTrusted(path, uid);
  if (reason !== undefined) throw notReady(entry.name, `its disk is not to be trusted, ${reason}`, '--force ');
  const { places, signal } = options;
  if ((await rememberedDigest(path, { places, own: places.at(-1), uid, signal })) === entry.manifest.disk.sha256)
    return path;
  throw new VtorqueError(
    'E_IMAGE_DAMAGED',
    `Cannot use image "${entry.name}": its disk "${path}" is not the one that its manifest names`,
    {
      hint: `Make it again with: vtorque image build --force ${entry.name}`,
      phase: 'check',
    },
  );
}

function notReady(name: string, state: string, option = '', details: readonly string[] = []): VtorqueError {
  return new VtorqueError('E_GUEST_NOT_READY', `Cannot boot guest "${name}": ${state}`, {
    hint: `Make it ready with: vtorque image build ${option}${name}`,
    phase: 'check',
    details,
  });
}
