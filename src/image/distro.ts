import { readFile } from 'node:fs/promises';
import { VtorqueError } from '../base/index.ts';
import type { GuestSystem } from './types.ts';

/** Distributions that are called otherwise by `distro=` than in /etc/os-release. */
const names: Readonly<Record<string, string>> = { rhel: 'redhat' };

/**
 * Refuse a guest of another distribution than was asked for. Pure.
 * @param image its name
 * @param distro what it is, as its manifest or /etc/os-release says; `unknown` when nobody has said so
 * @throws VtorqueError `E_IMAGE_DISTRO`
 */
export function checkDistro(wanted: string, image: string, distro: string): void {
  const is = distroName(distro);
  if (is === wanted) return;
  const state = is === 'unknown' ? 'its distribution is not known' : `it is ${is}`;
  throw new VtorqueError('E_IMAGE_DISTRO', `Cannot use image "${image}" with distro=${wanted}: ${state}`, {
    hint: `Leave distro out, or choose another image`,
    phase: 'check',
  });
}

/** A distribution as `distro=` calls it. Pure. */
export function distroName(distro: string): string {
  return names[distro.toLowerCase()] ?? distro.toLowerCase();
}

/** The distribution of this machine, as the text of its /etc/os-release says. Pure. */
export function distroIn(osRelease: string): string {
  return /^ID=["']?([^"'\n]+)["']?$/m.exec(osRelease)?.[1] ?? 'unknown';
}

/** The distribution of this machine. */
export async function distroOfHost(): Promise<string> {
  return distroIn(await readFile('/etc/os-release', 'utf8').catch(() => ''));
}

/** The distribution of a guest as `distro=` calls it; undefined when nobody has said so. */
export async function distroOf(guest: GuestSystem): Promise<string | undefined> {
  const distro = distroName(guest.kind === 'host' ? await distroOfHost() : (guest.distro ?? 'unknown'));
  return distro === 'unknown' ? undefined : distro;
}
