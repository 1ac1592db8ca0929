import type { GuestTopology, ShareDevice, VmSpec } from '../spec.ts';

/** What devices that can be added to a running machine are added to. The template has it, at a place where no other device gets. */
const slots = 'pcie-pci-bridge,id=slots,addr=0x1e';

/** Where a machine's memory is, and whether what it writes there reaches it. */
export interface MemoryFile {
  readonly path: string;
  readonly share: boolean;
}

/** A device that a machine gets by QMP. */
export interface Plug {
  /** Arguments of `chardev-add`. */
  readonly chardev: Readonly<Record<string, unknown>>;
  /** Arguments of `device_add`. */
  readonly device: Readonly<Record<string, unknown>>;
}

/**
 * The machine of a template: all that a booting guest finds, and nothing of any job. Pure.
 * @param overlay path of the qcow2 file that takes what a guest writes that boots itself
 */
export function templateSpec(spec: VmSpec, overlay: string): VmSpec {
  const { vcpus, ram, accelerator, cpu, boot, placement } = spec;
  const shown = cpu === undefined ? {} : { cpu };
  const disk = boot.kind === 'disk' ? { disk: { path: overlay, format: 'qcow2' as const } } : {};
  // Its guest is shown the processor that theirs are; where it runs itself does not matter.
  const { pins: _, memory: __, topology, ...processor } = placement ?? {};
  const further = topology === undefined || isUsual(topology) ? {} : { topology };
  return {
    name: 'template',
    vcpus,
    ram,
    accelerator,
    ...shown,
    boot,
    ...disk,
    shares: [],
    placement: { ...processor, ...further },
  };
}

/** What QEMU shows unless told: with that, VMs that are pinned and those that are not have the same template. */
function isUsual({ sockets, dies, threads }: GuestTopology): boolean {
  return sockets === 1 && dies === 1 && threads === 1;
}

/** The machine of a clone, from that of the same machine if it booted. Pure. */
export function cloneSpec(spec: VmSpec, overlay: string): VmSpec {
  return spec.boot.kind === 'disk' ? { ...spec, disk: { ...spec.disk, path: overlay, format: 'qcow2' } } : spec;
}

/**
 * The command line of a template, from that of the same machine if it were a job's own. Pure.
 * @param line as `qemuArguments` gives it for `templateSpec`
 */
export function templateLine(line: readonly string[], memory: MemoryFile): string[] {
  // What it writes to its disk stays, and is what clones read.
  const kept = line.map((word) => (word.startsWith('if=none,id=root,') ? word.replace(',snapshot=on', '') : word));
  return [...withMemory(kept, memory), '-device', slots];
}

/**
 * The command line of a clone, from that of the same machine if it booted. Pure.
 * It starts where the template stopped, so it loads no kernel; and its further devices are there from the start, in places that the template
 * left free. virtiofs is the exception: QEMU loads no state into a machine that has one.
 * @param line as `qemuArguments` gives it
 */
export function cloneLine(line: readonly string[], memory: MemoryFile): string[] {
  const left = without(withMemory(line, memory), (option, value) => {
    if (['-kernel', '-initrd', '-append'].includes(option)) return true;
    return isVirtiofs(option, value) || isItsConnection(option, value, line);
  });
  return [...left, '-device', slots, '-incoming', 'defer'];
}

/** What `cloneLine` leaves out, to be added once the state is there. Pure. */
export function clonePlugs(shares: readonly ShareDevice[]): Plug[] {
  return shares.flatMap((share, index): Plug[] => {
    if (share.transport !== 'virtiofs') return [];
    const id = `share${index}`;
    const addr = { type: 'unix', data: { path: share.socket } };
    return [
      {
        chardev: { id, backend: { type: 'socket', data: { addr, server: false } } },
        device: { driver: 'vhost-user-fs-pci', chardev: id, tag: share.tag, 'queue-size': 1024, bus: 'slots' },
      },
    ];
  });
}

function isVirtiofs(option: string, value: string): boolean {
  return option === '-device' && value.startsWith('vhost-user-fs-pci,');
}

/** Whether this is the connection of a virtiofs device of the line. */
function isItsConnection(option: string, value: string, line: readonly string[]): boolean {
  const [, id] = /^socket,id=([^,]+),/.exec(value) ?? [];
  return option === '-chardev' && line.some((word) => word.startsWith(`vhost-user-fs-pci,chardev=${id},`));
}

/** The line with its one object of memory replaced. */
function withMemory(line: readonly string[], { path, share }: MemoryFile): string[] {
  return line.map((word) => {
    const [, size] = /^memory-backend-[a-z]+,id=ram,(size=[^,]+)/.exec(word) ?? [];
    const [from = ''] = /,host-nodes=\d+,policy=bind$/.exec(word) ?? [];
    const file = `mem-path=${path.replaceAll(',', ',,')},share=${share ? 'on' : 'off'}${from}`;
    return size === undefined ? word : `memory-backend-file,id=ram,${size},${file}`;
  });
}

/** A line without the options that are dropped, each with its value. */
function without(line: readonly string[], drop: (option: string, value: string) => boolean): string[] {
  const dropped = (at: number): boolean => drop(line[at] ?? '', line[at + 1] ?? '');
  return line.filter((_, index) => !dropped(index) && !dropped(index - 1));
}
