import type { HostSlots } from '../pbs/index.ts';
import type { VmRequest } from '../request/index.ts';

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

/** Decide the VMs of a job, one on each of its nodes, by rank. Pure. */
export function planVms(request: VmRequest, hosts: readonly HostSlots[]): PlannedVm[] {
  const ram = Math.ceil(request.ram / MiB) * MiB;
  const short = hosts.map(({ host }) => host.split('.')[0] ?? host);
  return hosts.map(({ host, slots }, rank) => {
    // Two nodes of one name in different domains are two guests, too.
    const unique = short.indexOf(short[rank] ?? '') === short.lastIndexOf(short[rank] ?? '');
    const node = unique ? (short[rank] ?? host) : host.replaceAll('.', '-');
    return { name: `v${node}-1`, rank, node, vcpus: request.vcpus, ram, slots };
  });
}

/** The node file as the guests see it: each guest once per slot, in rank order. */
export function guestNodeFile(vms: readonly PlannedVm[]): string {
  return vms.map(({ name, slots }) => `${name}\n`.repeat(slots)).join('');
}
