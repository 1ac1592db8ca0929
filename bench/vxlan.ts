import { execFileSync } from 'node:child_process';
import { macOf } from '../src/network/index.ts';
import { isRefused, preparedTap } from '../src/network/prepared/index.ts';
import type { PlannedVm } from '../src/plan/index.ts';
import { firstFreeDescriptor, type NetworkDevice } from '../src/vm/index.ts';
import { type Machine, type Machines, someMachines } from '../test/support/machines.ts';
import { aUser } from '../test/support/users.ts';

/** Bytes that a VXLAN puts around each frame. */
const OVERHEAD = 50;

/** What a VM gets as its network card: the one of rank 0 on one node, that of rank 1 on another. */
export type DeviceOf = (vm: PlannedVm) => NetworkDevice;

/** Two nodes, which are network namespaces of this machine, and two ways to join VMs on them by a VXLAN. */
export interface TwoVxlans extends AsyncDisposable {
  /** As root makes one by hand: bridge, VXLAN and tap, no rules. */
  readonly byHand: DeviceOf;
  /** As root's hooks prepare it for a job. */
  readonly prepared: DeviceOf;
}

/** @param mtu in the VMs */
export async function twoVxlans(mtu: number): Promise<TwoVxlans> {
  await using cleanup = new AsyncDisposableStack();
  const made = cleanup.use(someMachines(mtu + OVERHEAD));
  const nodes = made.machines.slice(0, 2);
  const prepared = await taps(made, nodes, cleanup);
  for (const [at, node] of nodes.entries()) makeByHand(node, nodes[1 - at]?.address ?? '', mtu);
  const deviceIn =
    (ifnames: readonly string[]): DeviceOf =>
    ({ rank }) => {
      const { before, fds } = preparedTap(ifnames[rank] ?? '', firstFreeDescriptor, 1, mtu);
      const there = ['nsenter', `--net=/run/netns/${nodes[rank]?.namespace}`] as const;
      return { kind: 'tap', mac: macOf(rank), fds, vhost: false, mtu, before: [...there, ...before] };
    };
  const started = cleanup.move();
  return {
    byHand: deviceIn(['hand0', 'hand0']),
    prepared: deviceIn(prepared),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** Have the hooks of both nodes prepare a job. @returns the name of a tap on each */
async function taps(made: Machines, nodes: readonly Machine[], cleanup: AsyncDisposableStack): Promise<string[]> {
  const owner = cleanup.use(aUser());
  const job = { jobId: 'bench', owner, nodes: nodes.map(({ address }) => address) };
  const found: string[] = [];
  for (const node of nodes) {
    const network = await node.prepare(job);
    cleanup.defer(async () => void (await node.release(job.jobId)));
    if (network === undefined || isRefused(network)) {
      throw new Error(`no VXLAN was prepared in ${made.directory}: ${network?.refused}`);
    }
    found.push(network.taps[0] ?? '');
  }
  return found;
}

function makeByHand({ namespace, address }: Machine, other: string, mtu: number): void {
  const ip = (line: string): void => void execFileSync('ip', ['-n', namespace, ...line.split(' ')]);
  ip('link add hand type bridge forward_delay 0');
  // Another port: the prepared one has the usual.
  ip(`link add handx type vxlan id 77 local ${address} remote ${other} dstport 4790 dev under`);
  ip(`link set handx mtu ${mtu} master hand up`);
  ip('tuntap add dev hand0 mode tap vnet_hdr multi_queue');
  ip(`link set hand0 mtu ${mtu} master hand up`);
  ip('link set hand up');
}
