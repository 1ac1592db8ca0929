/** What a job's VM boots. Everything in it exists, is readable, and was written by root or by the user himself. */
export type GuestSystem = HostGuest | ImageGuest | CloudGuest;

/** The node's own root file system, shared into the guest. */
export interface HostGuest extends DirectBoot {
  /** As the user wrote it after `img=`. */
  readonly name: string;
  readonly kind: 'host';
}

/** An image of the pool that was made to be booted directly, without firmware and boot loader. */
export interface ImageGuest extends DirectBoot {
  readonly name: string;
  readonly kind: 'disk';
  /** As its manifest says. */
  readonly distro?: string;
  readonly disk: GuestDisk;
  /** Where the guest finds its root file system. */
  readonly rootFs: RootFs;
}

/** An image of the pool that boots itself and knows nothing of us; cloud-init in it takes what the seed has. */
export interface CloudGuest {
  readonly name: string;
  readonly kind: 'cloud';
  /** As its manifest says. */
  readonly distro?: string;
  readonly disk: GuestDisk;
  /** Absolute path of the NoCloud disk that carries the guest agent. */
  readonly seed: string;
  /** What the accelerator can be tried with; the image's own kernel takes too long. */
  readonly probe: BootFiles;
}

/** What QEMU loads into a guest that the agent boots. */
export interface BootFiles {
  /** Absolute path of an uncompressed kernel with a PVH entry (`vmlinux`), for QEMU's `-kernel`. */
  readonly kernel: string;
  /** As `uname -r` in the guest prints it. */
  readonly kernelRelease: string;
  /** Absolute path of the initial RAM disk whose `/init` is the guest agent. */
  readonly initrd: string;
}

/** What the agent boots; the further fields are there where it is a kernel of the user's own. */
export interface DirectBoot extends BootFiles {
  /** The guest's usual kernel: what the accelerator is tried with. */
  readonly probe?: BootFiles;
  /** What the kernel has no drivers for. */
  readonly lacks?: readonly ModuleGroup[];
}

/** The image's disk, never to be written: jobs get an overlay over it. */
export interface GuestDisk {
  readonly path: string;
  readonly format: DiskFormat;
  /** Absolute path of a file that whoever boots the disk holds locked, shared, as long as he uses it. */
  readonly useLock: string;
}

export type DiskFormat = 'qcow2' | 'raw';

export interface RootFs {
  /** Device name inside the guest. */
  readonly device: string;
  readonly type: 'ext4';
}

/** `manifest.json` of an image directory. */
export type ImageManifest = DirectImageManifest | CloudImageManifest;

interface AnyImageManifest {
  /** Version of this format. */
  readonly format: 1;
  readonly name: string;
  readonly description: string;
  readonly distro: string;
  readonly release: string;
  /** Debian's name of the architecture, for instance `amd64`. */
  readonly arch: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly disk: {
    /** File name inside the image's directory. */
    readonly file: string;
    readonly format: DiskFormat;
    /** SHA-256 of the file, in hexadecimal. */
    readonly sha256: string;
    /** Bytes of the file. */
    readonly size: number;
    /** Bytes that the guest sees. */
    readonly virtualSize: number;
  };
  /** Bytes of memory without which it does not come up, when somebody knows. */
  readonly minRam?: number;
}

/** An image with a kernel beside the disk, which QEMU loads. */
export interface DirectImageManifest extends AnyImageManifest {
  readonly boot: 'direct';
  readonly kernel: {
    readonly release: string;
    /** Name of the kernel's directory inside the image's directory. */
    readonly dir: string;
  };
  readonly root: RootFs;
  /** Who is process 1 of the guest: the agent of the initial RAM disk. */
  readonly init: 'agent';
}

/** An image whose disk has a boot loader, a system that starts itself, and cloud-init. */
export interface CloudImageManifest extends AnyImageManifest {
  readonly boot: 'disk';
  readonly init: 'system';
  /** What the disk was added from. */
  readonly origin: {
    /** Name of the file, without its directory. */
    readonly file: string;
    readonly format: string;
    /** SHA-256 of it, in hexadecimal. */
    readonly sha256: string;
  };
}

/** The guest that is always there: the node's own root file system. */
export interface HostEntry {
  readonly kind: 'host';
  readonly name: 'host';
  readonly description: string;
}

/** An image of a pool directory. */
export interface DiskEntry {
  readonly kind: 'disk';
  readonly name: string;
  readonly description: string;
  /** Absolute path of the pool. */
  readonly pool: string;
  /** Absolute path of the image's directory in it. */
  readonly dir: string;
  readonly manifest: ImageManifest;
}

export type CatalogueEntry = HostEntry | DiskEntry;

/** A directory of a pool that looks like an image and is none. */
export interface CatalogueProblem {
  readonly dir: string;
  readonly reason: string;
}

export interface Catalogue {
  /** `host` first, then by name; of two images of one name that of the earlier pool. */
  readonly entries: readonly CatalogueEntry[];
  readonly problems: readonly CatalogueProblem[];
}

/** An unpacked guest kernel: `<cache>/kernel/<release>/`. */
export interface GuestKernel {
  /** As `uname -r` prints it. */
  readonly release: string;
  /** Absolute path of its directory. */
  readonly dir: string;
  /** Absolute path of the uncompressed kernel. */
  readonly vmlinux: string;
  /** Name and version of the distribution's package that it came from. */
  readonly package: string;
  readonly version: string;
  readonly arch: string;
}

/** The groups of kernel modules in an initial RAM disk: `/mods/<group>.order`. */
export type ModuleGroup = 'base' | '9p' | 'virtiofs' | 'overlay' | 'disk' | 'net';
