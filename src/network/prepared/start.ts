import { VtorqueError } from '../../base/index.ts';
import { macOf } from '../addresses.ts';
import type { Cidr } from '../ipv4.ts';
import type { JobNetwork } from '../job-network.ts';
import { startPreparedOutbound } from '../outbound.ts';
import { vhostOpens } from '../vhost.ts';
import type { PreparedNetwork } from './facts.ts';
import { preparedTap } from './tap.ts';

export interface PreparedNetworkOptions {
  readonly prepared: PreparedNetwork;
  readonly subnet: Cidr;
  /** Ranks of the VMs on this node. */
  readonly ranks: readonly number[];
  /** Whether this node makes a way to outside for its VMs, as the user. */
  readonly outbound: boolean;
  /** Bytes: the least of all nodes of the job. */
  readonly mtu: number;
  /** Of the processes: a PATH, and the job's mark. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Use what root has prepared for a job on this node. Only the way outside is a process of the job.
 * @throws VtorqueError as `startPreparedOutbound`, or the signal's reason
 */
export async function startPreparedNetwork(options: PreparedNetworkOptions): Promise<JobNetwork> {
  const { prepared, subnet, ranks, outbound, mtu, env, signal } = options;
  const { taps, gatewayTap, bridge, vni } = prepared;
  await using cleanup = new AsyncDisposableStack();
  const losses: Promise<VtorqueError>[] = [Promise.withResolvers<VtorqueError>().promise];
  const facts = [`bridge ${bridge} that root has prepared, ${vni === undefined ? '' : `VXLAN ${vni}, `}MTU ${mtu}`];
  if (outbound) {
    const way = cleanup.use(await startPreparedOutbound({ tap: gatewayTap, subnet, mtu, env, signal }));
    losses.push(way.lost);
    facts.push(`outbound by slirp4netns, ${way.confined ? 'confined' : 'which cannot confine itself on this node'}`);
  }
  const vhost = await vhostOpens();
  facts.push(vhost ? 'vhost-net' : 'no vhost-net');
  const started = cleanup.move();
  return {
    nic: (rank, firstFd, queues = 1) => {
      const tap = taps[ranks.indexOf(rank)];
      if (tap === undefined)
        throw new VtorqueError('E_NETWORK_TAP', `Cannot connect the VM of rank ${rank}: no tap is left`);
      return { mac: macOf(rank), ...preparedTap(tap, firstFd, queues, mtu), vhost, mtu };
    },
    facts,
    lost: Promise.race(losses),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
