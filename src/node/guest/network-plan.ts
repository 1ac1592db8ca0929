import { VtorqueError } from '../../base/index.ts';
import { chooseSubnet, type NetworkFacts, type NetworkPlan, parseCidr } from '../../network/index.ts';
import { decidePrepared } from '../../network/prepared/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { NodeSettings } from './node-settings.ts';

/**
 * Decide the network of a job, for all its nodes. Pure.
 * @param vms how many there are in the job
 * @param nodes by their numbers
 * @returns undefined for a job that wants none
 * @throws VtorqueError `E_NETWORK_SUBNET` when all addresses of the site's pools are in use, `E_NETWORK_SITE` when the site's own network is not there for all VMs
 */
export function planNetwork(
  request: VmRequest,
  vms: number,
  nodes: readonly NetworkFacts[],
  { networkPools, networkMtu: mtu }: Pick<NodeSettings, 'networkPools' | 'networkMtu'>,
): NetworkPlan | undefined {
  if (request.net === 'none') return undefined;
  if (request.net === 'bridge') return planSiteNetwork(vms, nodes);
  const parsed = (ranges: readonly string[]) => ranges.flatMap((range) => parseCidr(range) ?? []);
  const subnet = chooseSubnet(parsed(networkPools), vms, parsed(nodes.flatMap(({ routes }) => routes)));
  const plan = { subnet, outbound: request.net !== 'job', mtu, trunks: nodes.flatMap(({ trunk }) => trunk ?? []) };
  const decided = decidePrepared(
    nodes.map(({ prepared }) => prepared),
    vms / nodes.length,
  );
  if (decided === undefined) return plan;
  return 'why' in decided ? { ...plan, notPrepared: decided.why } : { ...plan, mtu: decided.mtu, prepared: true };
}

function planSiteNetwork(vms: number, nodes: readonly NetworkFacts[]): NetworkPlan {
  const decided = decidePrepared(
    nodes.map(({ site }) => site),
    vms / nodes.length,
  );
  if (decided !== undefined && 'mtu' in decided) return { site: true, mtu: decided.mtu };
  const why = decided?.why ?? 'no hook of root has prepared anything there';
  throw new VtorqueError('E_NETWORK_SITE', `Cannot connect the VMs with the network of the site: ${why}`, {
    hint: 'Tell the admin; or leave net=bridge out: the VMs then have a network of their own, with a way outside',
    phase: 'network',
  });
}
