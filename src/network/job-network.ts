import type { VtorqueError } from '../base/index.ts';
import { macOf } from './addresses.ts';
import { type Holder, startHolder } from './holder.ts';
import type { Cidr } from './ipv4.ts';
import { jobnetProgram } from './native/build.ts';
import { startOutbound } from './outbound.ts';
import { startTrunk } from './trunk.ts';
import type { TrunkListener, TrunkSecret } from './trunk-listener.ts';
import type { PeerNode } from './trunk-peer.ts';
import { vhostOpens } from './vhost.ts';

export interface JobNetworkOptions {
  readonly subnet: Cidr;
  /** Number of this node in the job. */
  readonly here: number;
  /** Ranks of the VMs on this node. */
  readonly ranks: readonly number[];
  /** The other nodes that have VMs; with them goes where this one listens. */
  readonly others?: {
    readonly peers: readonly PeerNode[];
    readonly listener: TrunkListener;
    readonly secret: TrunkSecret;
  };
  /** Whether VMs reach outside, as the user. */
  readonly outbound: boolean;
  readonly mtu: number;
  /** Of the processes: a PATH, and the job's mark. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** What a QEMU needs for its interface in a job's network. */
export interface TapNic {
  readonly mac: string;
  /** Stands before QEMU's own program and arguments: opens the tap, and becomes QEMU. */
  readonly before: readonly [string, ...string[]];
  /** Descriptors that QEMU then has: one for each queue. */
  readonly fds: readonly [number, ...number[]];
  /** Whether the node's kernel moves the frames itself (`vhost=on`). */
  readonly vhost: boolean;
  readonly mtu: number;
}

/** A job's network on this node. Disposing of it ends it, also for VMs that still run. */
export interface JobNetwork extends AsyncDisposable {
  /**
   * The interface of a VM.
   * @param firstFd number of its first descriptor, behind those that QEMU has anyway
   * @param queues at most as many as the VM has virtual CPUs
   */
  nic(rank: number, firstFd: number, queues?: number): TapNic;
  /** What was found out: for the record of the job. */
  readonly facts: readonly string[];
  /** Resolves with the reason when the network no longer works. */
  readonly lost: Promise<VtorqueError>;
}

/**
 * Make a job's private network on this node, without any privilege.
 * Nothing of it is left when this throws.
 * @throws VtorqueError of `startHolder` and `startOutbound`, or the signal's reason
 */
export async function startJobNetwork(options: JobNetworkOptions): Promise<JobNetwork> {
  const { subnet, here, ranks, others, outbound, mtu, env, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  const from = others === undefined ? 'bridge' : 'stream';
  const holder = cleanup.use(await startHolder({ mtu, outbound: outbound ? subnet : undefined, from, env, signal }));
  const losses = [holder.lost];
  const facts = [`bridge of the job, MTU ${mtu}`];
  if (others !== undefined && holder.stream !== undefined) {
    const places = new Map(others.peers.flatMap((peer) => peer.ranks.map((rank) => [rank, peer.node])));
    for (const rank of ranks) places.set(rank, here);
    const table = { subnet, here, nodeOf: (rank: number) => places.get(rank) };
    const { lost } = cleanup.use(startTrunk({ tap: holder.stream, table, ...others }));
    losses.push(lost);
    facts.push(`trunks to ${others.peers.length} other nodes, when they are needed`);
  }
  if (outbound) {
    const { lost, confined } = cleanup.use(await startOutbound({ holder: holder.pid, subnet, mtu, env, signal }));
    losses.push(lost);
    facts.push(`outbound by slirp4netns, ${confined ? 'confined' : 'which cannot confine itself on this node'}`);
  }
  const vhost = await vhostOpens();
  facts.push(vhost ? 'vhost-net' : 'no vhost-net');
  const started = cleanup.move();
  return {
    nic: (rank, firstFd, queues = 1) => nicOf(holder, { rank, firstFd, queues, mtu, vhost }),
    facts,
    lost: Promise.race(losses),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function nicOf(
  { pid }: Holder,
  nic: { readonly rank: number; readonly firstFd: number; readonly queues: number } & Pick<TapNic, 'mtu' | 'vhost'>,
): TapNic {
  const { rank, firstFd, queues, mtu, vhost } = nic;
  const further = Array.from({ length: queues - 1 }, (_, at) => firstFd + 1 + at);
  const words = [pid, `vm${rank}`, queues, mtu, firstFd].map(String);
  return { mac: macOf(rank), before: [jobnetProgram, 'tap', ...words], fds: [firstFd, ...further], vhost, mtu };
}
