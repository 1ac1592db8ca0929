import { addressOf, type Cidr, formatAddress } from '../../network/index.ts';
import type { PlannedVm } from '../../plan/index.ts';

/**
 * The guest's /etc/hosts: its own names, those of all VMs of the job, what the site has besides. Pure.
 * @param subnet of the job's network; without one the guest knows only itself
 */
export function hostsFile(vm: PlannedVm, vms: readonly PlannedVm[], subnet: Cidr | undefined, site: string): string {
  // Programs of a parallel job tell others the address that the own name has: it must be one that leads here from there.
  const job =
    subnet === undefined
      ? `127.0.1.1\t${vm.name}\n`
      : vms.map(({ name, rank }) => `${formatAddress(addressOf(subnet, rank))}\t${name}\n`).join('');
  return `127.0.0.1\tlocalhost\n${job}::1\tlocalhost ip6-localhost ip6-loopback\n${site}`;
}
