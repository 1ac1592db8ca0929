/** What a virtual machine runs on: the processor's own virtualisation, or QEMU's translator. */
export type Accelerator = 'kvm' | 'tcg';

/** A host directory that the guest may mount. */
export type ShareDevice =
  /** Served by QEMU itself, with the rights of the user that QEMU runs as. Owners are shown as they are. */
  | { readonly transport: '9p'; readonly tag: string; readonly source: string; readonly readonly: boolean }
  /** Served by a virtiofsd that listens on `socket`. */
  | { readonly transport: 'virtiofs'; readonly tag: string; readonly socket: string };

/** The guest's one interface. */
export type NetworkDevice =
  /** Outbound only, through QEMU's own network stack, with the rights of the user. */
  | { readonly kind: 'user'; readonly mac: string }
  /** A tap for each queue, open in QEMU from its start. */
  | {
      readonly kind: 'tap';
      readonly mac: string;
      readonly fds: readonly [number, ...number[]];
      /** Whether the node's kernel moves the frames itself. QEMU aborts where it cannot. */
      readonly vhost: boolean;
      readonly mtu: number;
      /** The program that opens them and becomes QEMU, and its first words. */
      readonly before: readonly [string, ...string[]];
    };

/** How the machine comes up. */
export type VmBoot =
  /** QEMU loads the kernel: an absolute path of an uncompressed one (ELF with a PVH note) or a bzImage. */
  | { readonly kind: 'direct'; readonly kernel: string; readonly initrd: string }
  /** The firmware starts the boot loader of the root disk; the seed, a second disk, tells the system in it who it is. */
  | { readonly kind: 'disk'; readonly seed: string };

export interface RootDisk {
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
  /** Where what the guest writes is kept; without it in a temporary file of QEMU's own. */
  readonly overlay?: RootOverlay;
}

/** An empty qcow2 file in memory, of the size of the disk that lies over. */
export interface RootOverlay {
  /** Number of its descriptor in QEMU. */
  readonly fd: number;
  /** Bytes that it may grow to; the file is that long. */
  readonly room: number;
}

/** A disk that the guest writes to, besides its root. */
export interface DataDisk {
  /** Number of its file's descriptor in QEMU. */
  readonly fd: number;
  readonly format: 'qcow2' | 'raw';
  /** Whether it outlives the machine: then what the guest has flushed is in the file. */
  readonly keeps: boolean;
}

/** The processor that a guest is shown. Their product is the number of virtual CPUs. */
export interface GuestTopology {
  readonly sockets: number;
  /** In a socket. */
  readonly dies: number;
  /** In a die. */
  readonly cores: number;
  /** In a core. */
  readonly threads: number;
}

/** Memory of a guest from one place: with several of them each is a NUMA node of the guest. */
export interface MemoryCell {
  /** Bytes. */
  readonly size: number;
  /** NUMA node of the host that it must come from; any without it. */
  readonly hostNode?: number;
  /** Virtual CPUs that are near. */
  readonly vcpus: readonly number[];
}

export interface VmMemory {
  /** Bytes of a page; without it memory is of ordinary pages. */
  readonly hugePages?: number;
  readonly cells: readonly MemoryCell[];
  /** Between the cells, where there are several: a row for each. */
  readonly distances?: readonly (readonly number[])[];
}

/** CPUs of the host to which the threads of a machine are bound. */
export interface VmPins {
  /** One for each virtual CPU. */
  readonly vcpus: readonly number[];
  /** For all other threads of QEMU. */
  readonly others: readonly number[];
}

/** Where a machine runs on its host, and what of that the guest is shown. */
export interface VmPlacement {
  readonly pins?: VmPins;
  readonly topology?: GuestTopology;
  readonly memory?: VmMemory;
  /** Maker of the host's processor, as it calls itself: `AuthenticAMD`. */
  readonly hostVendor?: string;
}

/** One virtual machine, ready to be started: everything decided, nothing running. */
export interface VmSpec {
  /** Host name of the guest and name of the machine in the process list: `vnode1-1`. */
  readonly name: string;
  readonly vcpus: number;
  /** Bytes, a whole number of MiB. */
  readonly ram: number;
  readonly accelerator: Accelerator;
  /** Processor model by QEMU's name; all that the accelerator can show without it. */
  readonly cpu?: string;
  readonly boot: VmBoot;
  /** Read through a throw-away overlay: nothing that the guest writes reaches the image. */
  readonly disk?: RootDisk;
  readonly data?: DataDisk;
  readonly shares: readonly ShareDevice[];
  /** Not there: the machine runs where the kernel likes, in ordinary memory. */
  readonly placement?: VmPlacement;
  /** None without it. */
  readonly network?: NetworkDevice | undefined;
}

/** File descriptors of the QEMU process, each one end of a socket pair. */
export interface VmDescriptors {
  readonly qmp: number;
  readonly console: number;
  readonly agent: number;
}

/** How QEMU gets them from us: the first ones behind the standard ones. */
export const qemuDescriptors: VmDescriptors = { qmp: 3, console: 4, agent: 5 };

/** The first descriptor of the files that QEMU gets from us besides: an overlay, a data disk. A start of a machine may have more behind them. */
export const firstFileDescriptor = 6;

/** By it a guest knows its data disk. */
export const dataDiskSerial = 'vtorque-data';

/** Of the first descriptor that QEMU does not get from us. */
export const firstFreeDescriptor = 20;

/** The virtio-serial port that the guest's agent looks for. */
export const agentPortName = 'vtorque.agent';
