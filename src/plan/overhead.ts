import { MiB } from '../base/index.ts';

/**
 * What QEMU and the servers of the shared folders take of the node's memory for one VM, besides the guest's own: 160 MiB were measured
 * for four virtual CPUs and the translator (QEMU 7.2), rounded up here.
 * @returns bytes
 */
export function qemuOverhead(vcpus: number): number {
  return (160 + 4 * vcpus) * MiB;
}
