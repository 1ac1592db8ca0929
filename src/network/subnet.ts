import { VtorqueError } from '../base/index.ts';
import { addressesFor } from './addresses.ts';
import { type Cidr, formatCidr, overlap, sizeOf } from './ipv4.ts';

/** No job has a smaller one: then most have the same. */
const SMALLEST_PREFIX = 24;

/**
 * The first subnet of the pools that holds so many VMs and has no address in common with what any node of the job reaches
 * by a route of its own. Pure; the same for the same arguments.
 * @throws VtorqueError `E_NETWORK_SUBNET`
 */
export function chooseSubnet(pools: readonly Cidr[], vms: number, routesInUse: readonly Cidr[]): Cidr {
  const prefix = Math.min(SMALLEST_PREFIX, 32 - Math.ceil(Math.log2(addressesFor(vms))));
  for (const pool of pools) {
    if (pool.prefix > prefix) continue;
    const near = routesInUse.filter((route) => overlap(route, pool));
    const end = pool.base + sizeOf(pool);
    const step = 2 ** (32 - prefix);
    for (let base = pool.base; base < end; ) {
      const subnet = { base, prefix };
      const clash = near.find((route) => overlap(route, subnet));
      if (clash === undefined) return subnet;
      // Behind what is in the way, however large that is.
      base = Math.max(base + step, clash.base + sizeOf(clash));
    }
  }
  throw new VtorqueError(
    'E_NETWORK_SUBNET',
    `Cannot choose a network for the job: none of ${pools.map(formatCidr).join(', ') || 'no pools'} has ${2 ** (32 - prefix)} addresses that its nodes do not use themselves`,
    {
      hint: "Name a free range of addresses in network.pools of the site's configuration",
      phase: 'network',
      details: routesInUse.map((route) => `in use: ${formatCidr(route)}`).slice(0, 20),
    },
  );
}
