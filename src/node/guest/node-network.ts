import { VtorqueError } from '../../base/index.ts';
import {
  type Cidr,
  type GuestNetwork,
  guestNetwork,
  type JobNetwork,
  type JobNetworkPlan,
  type NetworkPlan,
  type SiteNetworkPlan,
  slirpNetwork,
  startJobNetwork,
  type TrunkListener,
  type TrunkSecret,
  vhostOpens,
} from '../../network/index.ts';
import { type PreparedNetwork, type PreparedSiteTaps, preparedTap } from '../../network/prepared/index.ts';
import type { PreparedNetworkOptions } from '../../network/prepared/start.ts';
import type { PlannedVm } from '../../plan/index.ts';
import { firstFreeDescriptor, type NetworkDevice } from '../../vm/index.ts';

/** How the VMs of a job on a node are connected. Disposing of it ends their network. */
export interface NodeNetwork extends AsyncDisposable {
  /** Of the job's network; none where its one VM has only a way to outside. */
  readonly subnet: Cidr | undefined;
  /** What was chosen, and why: for the record of the job. */
  readonly facts: readonly string[];
  /** Resolves with the reason when the network no longer works. */
  readonly lost: Promise<VtorqueError>;
  connect(vm: PlannedVm): { readonly network: GuestNetwork; readonly device: NetworkDevice };
}

export interface NodeNetworkOptions {
  readonly plan: NetworkPlan;
  readonly vms: readonly PlannedVm[];
  /** Of this node in the job. */
  readonly nodeIndex: number;
  /** Where other nodes, if there are any, bring their frames. */
  readonly trunks: NodeTrunks | undefined;
  /** What root has prepared here; looked up where the plan says that it is used. */
  readonly prepared: () => Promise<PreparedNetwork>;
  /** The same of taps in a bridge of the site's. */
  readonly siteTaps: () => Promise<PreparedSiteTaps>;
  /** Of the network's processes. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface NodeTrunks {
  readonly listener: TrunkListener;
  readonly secret: TrunkSecret;
}

/** More queues than that for one interface bring nothing, and each is a descriptor. */
const MOST_QUEUES = 8;

/** Failures of a node that lacks something, and after which one VM can do with QEMU's own way to outside. */
const nodeLacks: readonly string[] = ['E_NETWORK_NAMESPACE', 'E_NETWORK_TUN', 'E_NETWORK_BRIDGE', 'E_NETWORK_OUTBOUND'];

/**
 * Make the network of a job on this node.
 * @throws VtorqueError as `startJobNetwork`
 */
export async function startNodeNetwork(options: NodeNetworkOptions): Promise<NodeNetwork> {
  const { plan } = options;
  return plan.site === true ? startSiteNetwork(plan, options) : startOwnNetwork(plan, options);
}

/** The VMs are machines in a network of the site's. */
async function startSiteNetwork({ mtu }: SiteNetworkPlan, options: NodeNetworkOptions): Promise<NodeNetwork> {
  const { vms, nodeIndex } = options;
  const here = vms.filter((vm) => vm.nodeIndex === nodeIndex);
  const { bridge, taps } = await options.siteTaps();
  const vhost = await vhostOpens();
  return {
    ...{ subnet: undefined, facts: [`bridge ${bridge} of the site, MTU ${mtu}`, vhost ? 'vhost-net' : 'no vhost-net'] },
    lost: Promise.withResolvers<VtorqueError>().promise,
    connect: (vm) => {
      const tap = taps[here.indexOf(vm)];
      if (tap === undefined) throw new Error(`no tap for ${vm.name}`);
      const { before, fds } = preparedTap(tap.ifname, firstFreeDescriptor, queuesOf(vm), mtu);
      return { network: { mac: tap.mac }, device: { kind: 'tap', mac: tap.mac, before, fds, vhost, mtu } };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function startOwnNetwork(plan: JobNetworkPlan, options: NodeNetworkOptions): Promise<NodeNetwork> {
  const { vms, nodeIndex, trunks, env, signal } = options;
  const { subnet, outbound, mtu } = plan;
  const ranksOn = (node: number): number[] => vms.filter((vm) => vm.nodeIndex === node).map(({ rank }) => rank);
  const peers = plan.trunks.flatMap((place, node) =>
    node === nodeIndex ? [] : [{ node, ranks: ranksOn(node), ...place }],
  );
  const common = { subnet, mtu, env, signal, ranks: ranksOn(nodeIndex) };
  try {
    const network =
      plan.prepared === true
        ? await startPrepared({ ...common, prepared: await options.prepared() }, outbound, nodeIndex)
        : await startJobNetwork({
            ...{ ...common, outbound, here: nodeIndex },
            ...(trunks === undefined ? {} : { others: { ...trunks, peers } }),
          });
    const without = plan.notPrepared === undefined ? [] : [`not the network of root's: ${plan.notPrepared}`];
    return {
      ...{ subnet, facts: [...without, ...network.facts], lost: network.lost },
      connect: (vm) => ({ network: guestNetwork(plan, vm.rank), device: tapOf(network, vm) }),
      [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
    };
  } catch (error) {
    if (vms.length > 1 || !outbound || !(error instanceof VtorqueError) || !nodeLacks.includes(error.code)) throw error;
    return outboundByQemu(error.message);
  }
}

/** Nodes that are one machine have one bridge, so one way to outside; else each has its own. */
async function startPrepared(
  options: Omit<PreparedNetworkOptions, 'outbound'>,
  outbound: boolean,
  nodeIndex: number,
): Promise<JobNetwork> {
  const { startPreparedNetwork } = await import('../../network/prepared/start.ts');
  const isFirst = options.prepared.vni !== undefined || nodeIndex === 0;
  return startPreparedNetwork({ ...options, outbound: outbound && isFirst });
}

function queuesOf({ vcpus }: PlannedVm): number {
  return Math.min(vcpus, MOST_QUEUES);
}

function tapOf(network: JobNetwork, vm: PlannedVm): NetworkDevice {
  return { kind: 'tap', ...network.nic(vm.rank, firstFreeDescriptor, queuesOf(vm)) };
}

function outboundByQemu(reason: string): NodeNetwork {
  const device = { kind: 'user', mac: slirpNetwork.mac } as const;
  return {
    ...{ subnet: undefined, facts: [`outbound by QEMU itself: ${reason}`] },
    lost: Promise.withResolvers<VtorqueError>().promise,
    connect: () => ({ network: slirpNetwork, device }),
    [Symbol.asyncDispose]: async () => {},
  };
}
