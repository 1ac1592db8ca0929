import { jobnetProgram } from '../native/build.ts';

/**
 * How a QEMU gets a tap that root has prepared: what stands before its own words, and its descriptors then.
 * @param firstFd number of its first descriptor, behind those that QEMU has anyway
 * @param queues at most as many as the VM has virtual CPUs
 */
export function preparedTap(
  ifname: string,
  firstFd: number,
  queues: number,
  mtu: number,
): { readonly before: readonly [string, ...string[]]; readonly fds: readonly [number, ...number[]] } {
  const further = Array.from({ length: queues - 1 }, (_, at) => firstFd + 1 + at);
  const words = [0, ifname, queues, mtu, firstFd].map(String);
  return { before: [jobnetProgram, 'tap', ...words], fds: [firstFd, ...further] };
}
