import { join } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import type { Places } from '../site/index.ts';
import { findImage, imagePools } from './catalogue.ts';
import { rememberedDigest } from './digest.ts';
import { initrdName, initrdsIn } from './initrd/ensure.ts';
import { checkKernelTakes } from './kernel/own-file.ts';
import { ensureOwnKernel } from './kernel/own-kernel.ts';
import { findKernel, kernelAt } from './kernel/store.ts';
import { ensureSeed } from './seed/ensure.ts';
import type { SeedNetwork } from './seed/no-cloud.ts';
import { whyNotTrusted } from './trust.ts';
import type { BootFiles, DirectBoot, DiskEntry, GuestDisk, GuestKernel, GuestSystem } from './types.ts';
import { useLockOf } from './use-lock.ts';

export interface ResolveOptions {
  /** Where to look, first match wins; the last one is the user's own (for root: the only one). */
  readonly places: readonly Places[];
  /** Path of the guest agent that the initial RAM disk must have. */
  readonly agent: string;
  /** Who will boot it; this process's user unless given. */
  readonly uid?: number;
  /** How a guest that sets itself up reaches the network; it has none without this. */
  readonly network?: SeedNetwork | undefined;
  /** Path of a kernel that is to be booted instead of the guest's own. */
  readonly kernel?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * All that a VM needs to boot guest `name`. Nothing that takes time is downloaded or made here: a job must not wait for that.
 * Only of a user's own kernel what is booted is made here, once.
 * What neither root nor the user himself wrote is not used; an image's disk must have its manifest's digest.
 * @throws VtorqueError `E_IMAGE_UNKNOWN`, `E_IMAGE_MANIFEST`, `E_IMAGE_DAMAGED`, `E_GUEST_NOT_READY` with the command that helps;
 *   `E_KERNEL_IMAGE` and as `ensureOwnKernel` with a user's own kernel
 */
export async function resolveGuest(name: string, options: ResolveOptions): Promise<GuestSystem> {
  const uid = options.uid ?? process.getuid?.() ?? 0;
  const entry = await findImage(name, imagePools(options.places));
  if (options.kernel !== undefined) checkKernelTakes(options.kernel, entry);
  if (entry.kind === 'host') {
    return { name, kind: 'host', ...(await withOwnKernel(await hostBoot(options, uid), 'host', options, uid)) };
  }
  const { manifest } = entry;
  const { distro } = manifest;
  if (manifest.boot === 'disk') {
    const probe = await hostBoot(options, uid);
    const seed = await ensureSeed({ ...options, uid });
    return { name, kind: 'cloud', distro, disk: await checkedDisk(entry, options, uid), seed, probe };
  }
  const kernel = await kernelAt(join(entry.dir, manifest.kernel.dir));
  if (kernel === undefined) throw notReady(name, 'its kernel is missing', '--force ');
  const usual = await bootFiles(name, kernel, options, uid);
  const boot = await withOwnKernel(usual, 'disk', options, uid, kernel.dir);
  return { name, kind: 'disk', distro, ...boot, disk: await checkedDisk(entry, options, uid), rootFs: manifest.root };
}

/** The guest's own kernel is what the accelerator is tried with: what a user's does says nothing about the node. */
async function withOwnKernel(
  usual: BootFiles,
  guest: 'host' | 'disk',
  { kernel, places, agent, signal }: ResolveOptions,
  uid: number,
  dir?: string,
): Promise<DirectBoot> {
  const place = places.at(-1);
  if (kernel === undefined || place === undefined) return usual;
  const own = { ...{ file: kernel, guest, place, agent, uid, signal }, ...(dir === undefined ? {} : { usual: dir }) };
  return { ...(await ensureOwnKernel(own)), probe: usual };
}

/** Kernel and RAM disk for the node's own system. */
async function hostBoot(options: ResolveOptions, uid: number): Promise<BootFiles> {
  const kernel = await findKernel(options.places, uid);
  if (kernel === undefined) throw notReady('host', 'there is no guest kernel');
  return bootFiles('host', kernel, options, uid);
}

async function bootFiles(
  name: string,
  kernel: GuestKernel,
  { places, agent }: ResolveOptions,
  uid: number,
): Promise<BootFiles> {
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

async function checkedDisk(entry: DiskEntry, options: ResolveOptions, uid: number): Promise<GuestDisk> {
  const { disk, boot } = entry.manifest;
  const path = join(entry.dir, disk.file);
  const reason = await whyNotTrusted(path, uid);
  if (reason !== undefined) throw notReady(entry.name, `its disk is not to be trusted, ${reason}`, '--force ');
  const { places, signal } = options;
  if ((await rememberedDigest(path, { places, own: places.at(-1), uid, signal })) === disk.sha256)
    return { path, format: disk.format, useLock: useLockOf(entry.dir) };
  throw new VtorqueError(
    'E_IMAGE_DAMAGED',
    `Cannot use image "${entry.name}": its disk "${path}" is not the one that its manifest names`,
    {
      hint:
        boot === 'direct'
          ? `Make it again with: vtorque image build --force ${entry.name}`
          : 'Delete it and add it again from its file',
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
