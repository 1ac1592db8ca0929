import { readFile } from 'node:fs/promises';
import { VtorqueError } from '../base/index.ts';
import type { CatalogueEntry } from './types.ts';

/** Distributions by the names of `distro=` where /etc/os-release and images have others. */
const names: Readonly<Record<string, string>> = { rhel: 'redhat', 'red hat': 'redhat' };

/**
 * Refuse a guest of another distribution than was asked for.
 * @throws VtorqueError `E_IMAGE_DISTRO`
 */
export async function checkDistro(wanted: string, entry: Pick<CatalogueEntry, 'name'>, distro: string): Promise<void> {
  const is = names[distro.toLowerCase()] ?? distro.toLowerCase();
  if (is === wanted) return;
  throw new VtorqueError('E_IMAGE_DISTRO', `Cannot use image "${entry.name}" with distro=${wanted}: it is ${is}`, {
    hint: `Leave distro out, write distro=${is}, or choose another image`,
    phase: 'check',
  });
}

/** The distribution of this machine, by its /etc/os-release. */
export async function distroOfHost(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID="?([^"\n]+)"?$/m.exec(text)?.[1] ?? 'unknown';
}
