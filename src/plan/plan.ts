import { MiB, shortName } from '../base/index.ts';
import type { HostSlots } from '../pbs/index.ts';
import type { VmRequest } from '../request/index.ts';

/** One VM of a job: who it is and how large. */
export interface PlannedVm {
  /** Host name: `v<node>-<n>`. */
  readonly name: string;
  /** Among all VMs of the job, from 0: node by node, in the order that the batch system has them. */
  readonly rank: number;
  /** Its node's name without a domain, where that tells it from the others. */
  readonly node: string;
  /** Of its node among those of the job. */
  readonly nodeIndex: number;
  /** Among the VMs of its node, from 1. */
  readonly index: number;
  readonly vcpus: number;
  /** Bytes, a whole number of MiB as QEMU needs it. */
  readonly ram: number;
  /** Lines that it gets in the node file of the guests: one for each of its CPUs. */
  readonly slots: number;
}

/** Decide the VMs of a job, by rank. Every node of the job comes to the same ones. Pure. */
export function planVms(request: VmRequest, hosts: readonly Pick<HostSlots, 'host'>[]): PlannedVm[] {
  const { vcpus, vmsPerNode = 1 } = request;
  const ram = Math.ceil(request.ram / MiB) * MiB;
  return nodeNames(hosts).flatMap((node, nodeIndex) =>
    Array.from({ length: vmsPerNode }, (_, at) => ({
      ...{ name: `v${node}-${at + 1}`, rank: nodeIndex * vmsPerNode + at, node, nodeIndex, index: at + 1 },
      ...{ vcpus, ram, slots: vcpus },
    })),
  );
}

/** Short names of the nodes; two nodes of one name in different domains keep theirs. */
function nodeNames(hosts: readonly Pick<HostSlots, 'host'>[]): string[] {
  const short = hosts.map(({ host }) => shortName(host));
  const times = new Map<string, number>();
  for (const name of short) times.set(name, (times.get(name) ?? 0) + 1);
  return short.map((name, at) => (times.get(name) === 1 ? name : (hosts[at]?.host.replaceAll('.', '-') ?? name)));
}

/** The node file as the guests see it: each guest once per slot, in rank order. */
export function guestNodeFile(vms: readonly PlannedVm[]): string {
  return vms.map(({ name, slots }) => `${name}\n`.repeat(slots)).join('');
}
