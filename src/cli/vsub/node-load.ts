import { formatSize } from '../../base/index.ts';
import { qemuOverhead } from '../../plan/overhead.ts';
import type { VmRequest } from '../../request/index.ts';
import type { SubmitSettings } from './needs.ts';

/** What the VMs of a job take together on each of its nodes. */
export interface NodeLoad {
  readonly vms: number;
  readonly vcpus: number;
  /** Bytes. */
  readonly ram: number;
  /** Bytes of memory that what they change in their image may take. */
  readonly ramdisk: number;
  /** Bytes that QEMU takes besides that. */
  readonly own: number;
  /** As the user asked for it: `vcpus=2`, `vcpus=2 in each of 4 VMs`. */
  readonly vcpusAsked: string;
  readonly ramAsked: string;
}

export function nodeLoad(
  { img, vcpus, ram, vmsPerNode = 1, fsType }: VmRequest,
  { ramdisk }: Pick<SubmitSettings, 'ramdisk'> = { ramdisk: 0 },
): NodeLoad {
  // The node's own system has no image whose changes could be in memory.
  const inRam = fsType === 'ramdisk' && img !== 'host' ? ramdisk : 0;
  const each = vmsPerNode === 1 ? '' : ` in each of ${vmsPerNode} VMs`;
  return {
    ...{ vms: vmsPerNode, vcpus: vcpus * vmsPerNode, ram: ram * vmsPerNode },
    ...{ ramdisk: inRam * vmsPerNode, own: qemuOverhead(vcpus) * vmsPerNode },
    vcpusAsked: `vcpus=${vcpus}${each}`,
    ramAsked: `ram=${formatSize(ram)}${each}`,
  };
}

/** What could be asked for where a node has only so many slots for VMs: fewer virtual CPUs, else fewer VMs; undefined where it has none. */
export function smallerLoad(slots: number, { vms, vcpus }: NodeLoad): string | undefined {
  if (slots < 1) return undefined;
  if (slots >= vms) return `vcpus=${Math.floor(slots / vms)}`;
  const each = Math.min(vcpus / vms, slots);
  return `vms_per_node=${Math.floor(slots / each)}${each < vcpus / vms ? `,vcpus=${each}` : ''}`;
}
