import type { VmRequest } from '../request/index.ts';

/** What the batch system gave the job on one node. */
export interface NodeAllocation {
  /** Short name of the node. */
  readonly node: string;
  /** Lines that the node file has for it. */
  readonly slots: number;
}

/** One VM of a job: who it is and how large. */
export interface PlannedVm {
  /** Host name: `v<node>-<n>`, n from 1. */
  readonly name: string;
  readonly rank: number;
  readonly node: string;
  readonly vcpus: number;
  /** Bytes, a whole number of MiB as QEMU needs it. */
  readonly ram: number;
  /** Lines that it gets in the node file of the guests. */
  readonly slots: number;
}

const MiB = 1024 ** 2;

/** Decide the VM of a job on one node. Pure. */
export function planVm(request: VmRequest, { node, slots }: NodeAllocation): PlannedVm {
  const ram = Math.ceil(request.ram / MiB) * MiB;
  return { name: `v${node}-1`, rank: 0, node, vcpus: request.vcpus, ram, slots };
}

/** The node file as the guests see it: each guest once per slot, in rank order. */
export function guestNodeFile(vms: readonly PlannedVm[]): string {
  return vms.map(({ name, slots }) => `${name}\n`.repeat(slots)).join('');
}
