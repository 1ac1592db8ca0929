import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Places } from '../../site/index.ts';
import { whyNotTrusted } from '../trust.ts';
import type { GuestKernel, ModuleGroup } from '../types.ts';

/** `kernel.json`: what a kernel's directory says of itself. */
export interface KernelRecord {
  readonly format: typeof KERNEL_FORMAT;
  readonly release: string;
  readonly package: string;
  readonly version: string;
  readonly arch: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** File names in `modules/` by group, in load order. */
  readonly groups: Readonly<Record<ModuleGroup, readonly string[]>>;
}

/** Raised when the layout of a kernel's directory changes: those of another version are not used. */
export const KERNEL_FORMAT = 1;

export const VMLINUX = 'vmlinux';
export const MODULES = 'modules';
export const RECORD = 'kernel.json';
/** The distribution's package, whole: images get all modules from it. Only in the cache, not in an image. */
export const PACKAGE = 'package.deb';

export function kernelsIn(place: Places): string {
  return join(place.cache, 'kernel');
}

/** The record of the kernel in `dir`, or undefined when there is none that this version can use. */
export async function readKernelRecord(dir: string): Promise<KernelRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(join(dir, RECORD), 'utf8')) as KernelRecord;
    return record.format === KERNEL_FORMAT ? record : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR')
      return undefined;
    throw error;
  }
}

export async function kernelAt(dir: string): Promise<GuestKernel | undefined> {
  const record = await readKernelRecord(dir);
  if (record === undefined) return undefined;
  const { release, package: name, version, arch } = record;
  return { release, dir, vmlinux: join(dir, VMLINUX), package: name, version, arch };
}

/**
 * The newest kernel of the first of `places` that has one which user `uid` may boot: written by root or himself.
 * @returns undefined when there is none
 */
export async function findKernel(places: readonly Places[], uid: number): Promise<GuestKernel | undefined> {
  for (const place of places) {
    for (const kernel of await listKernels(kernelsIn(place))) {
      if ((await whyNotTrusted(kernel.vmlinux, uid)) === undefined) return kernel;
    }
  }
  return undefined;
}

/** All complete kernels in the directory `parent`, newest first. */
export async function listKernels(parent: string): Promise<GuestKernel[]> {
  const names = await readdir(parent).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'EACCES') return [];
    throw error;
  });
  const complete = names.filter((name) => !name.startsWith('.'));
  const found = await Promise.all(complete.map((name) => kernelAt(join(parent, name))));
  return found.filter((kernel) => kernel !== undefined).sort((a, b) => compareReleases(b.release, a.release));
}

/** Order by the numbers in a release: `6.1.0-9` before `6.1.0-56`. */
export function compareReleases(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
