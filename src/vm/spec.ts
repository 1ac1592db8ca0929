/** What a virtual machine runs on: the processor's own virtualisation, or QEMU's translator. */
export type Accelerator = 'kvm' | 'tcg';

/** A host directory that the guest may mount. */
export type ShareDevice =
  /** Served by QEMU itself, with the rights of the user that QEMU runs as. Owners are shown as they are. */
  | { readonly transport: '9p'; readonly tag: string; readonly source: string; readonly readonly: boolean }
  /** Served by a virtiofsd that listens on `socket`. */
  | { readonly transport: 'virtiofs'; readonly tag: string; readonly socket: string };

/** How the machine comes up. */
export type VmBoot =
  /** QEMU loads the kernel: an absolute path of an uncompressed one (ELF with a PVH note) or a bzImage. */
  | { readonly kind: 'direct'; readonly kernel: string; readonly initrd: string }
  /** The firmware starts the boot loader of the root disk; the seed, a second disk, tells the system in it who it is. */
  | { readonly kind: 'disk'; readonly seed: string };

export interface RootDisk {
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
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
  readonly shares: readonly ShareDevice[];
  /** `user`: outbound only, through QEMU's own network stack, with the rights of the user. */
  readonly network: 'none' | 'user';
}

/** File descriptors of the QEMU process, each one end of a socket pair. */
export interface VmDescriptors {
  readonly qmp: number;
  readonly console: number;
  readonly agent: number;
}

/** How QEMU gets them from us: the first ones behind the standard ones. */
export const qemuDescriptors: VmDescriptors = { qmp: 3, console: 4, agent: 5 };

/** Of the guest's one interface: the systems of guests know it by this. QEMU's own default. */
export const guestMac = '52:54:00:12:34:56';

/** The virtio-serial port that the guest's agent looks for. */
export const agentPortName = 'vtorque.agent';
