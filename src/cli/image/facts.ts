import type { CatalogueEntry, DiskEntry, GuestKernel } from '../../image/index.ts';

/** An image as the commands' JSON has it. */
export function imageFacts(entry: DiskEntry): Record<string, unknown> {
  const { kind, name, description, dir, manifest } = entry;
  const { distro, release, arch, created, disk, boot } = manifest;
  const { minRam } = manifest;
  const { format, size, virtualSize, sha256 } = disk;
  const origin = manifest.boot === 'disk' ? { origin: manifest.origin } : {};
  return {
    ...{ name, kind, description, dir, distro, release, arch, created, boot },
    ...{ kernel: kernelOf(entry), format, size, virtualSize, sha256, minRam: minRam ?? null, ...origin },
  };
}

/** A guest as the commands' JSON has it. */
export function guestFacts(entry: CatalogueEntry, hostKernel: GuestKernel | undefined): Record<string, unknown> {
  if (entry.kind === 'disk') return imageFacts(entry);
  const { name, kind, description } = entry;
  return { name, kind, description, kernel: hostKernel?.release ?? null };
}

/** A guest as a line of a table: name, system, kernel, size, description. */
export function guestRow(entry: CatalogueEntry, hostKernel: GuestKernel | undefined): string[] {
  if (entry.kind === 'host')
    return ['host', "the node's own", hostKernel?.release ?? 'none yet', '-', entry.description];
  const { distro, release, disk, boot } = entry.manifest;
  const system = boot === 'disk' && distro === 'unknown' ? 'boots itself' : `${distro} ${release}`;
  return [entry.name, system, kernelOf(entry) ?? 'its own', megabytes(disk.size), entry.description];
}

export const guestColumns = ['NAME', 'SYSTEM', 'KERNEL', 'SIZE', 'DESCRIPTION'] as const;

/** For people: `147 MB`. */
export function megabytes(bytes: number): string {
  return `${Math.max(1, Math.round(bytes / 1e6))} MB`;
}

/** The kernel's release; null when the image boots by itself, with whatever kernel it has. */
function kernelOf({ manifest }: DiskEntry): string | null {
  return manifest.boot === 'direct' ? manifest.kernel.release : null;
}
