// How fast VMs reach each other: over a job's own network on one node and over its trunk between two, beside a bridge and taps that
// root has made; over a VXLAN that hooks have prepared between two nodes, beside one that root has made by hand. All in turn in each
// round. TCP one way, and the time there and back of 64 bytes. Needs root, iproute2 and nftables.
// Options: --rounds N (default 5), --seconds N (of each measurement; default 3), --only vxlan|own.
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { table } from '../src/cli/table.ts';
import { resolveGuest } from '../src/image/index.ts';
import {
  type Cidr,
  guestNetwork,
  type JobNetwork,
  listenForTrunks,
  macOf,
  startJobNetwork,
} from '../src/network/index.ts';
import { preparedTap } from '../src/network/prepared/index.ts';
import { readOwner } from '../src/node/guest/context.ts';
import { type NodeGuest, startNodeGuest } from '../src/node/guest/node-guest.ts';
import { usualSettings } from '../src/node/guest/node-settings.ts';
import { type PlannedVm, planVms } from '../src/plan/index.ts';
import { completeRequest } from '../src/request/index.ts';
import { agentProgram, placesToRead } from '../src/site/index.ts';
import { firstFreeDescriptor, type NetworkDevice } from '../src/vm/index.ts';
import { twoVxlans } from './vxlan.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];

const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
const subnet: Cidr = { base: 0xac1f0000, prefix: 24 };
const request = completeRequest({ img: 'host', vcpus: 1, ram: 512 * 1024 ** 2, vmsPerNode: 2, ssh: false });
const vms = planVms(request, [{ host: 'bench' }]);
const mtu = 1500;
const python = '/usr/bin/python3';

await using cleanup = new AsyncDisposableStack();
interface Measured {
  /** By it the others are measured that come before the next one. */
  readonly isFloor: boolean;
  readonly guests: readonly [NodeGuest, NodeGuest];
  readonly mbit: number[];
  readonly us: number[];
}
const measured = new Map<string, Measured>();
const measureThis = async (name: string, isFloor: boolean, deviceOf: (vm: PlannedVm) => NetworkDevice) =>
  void measured.set(name, { isFloor, guests: await aPair(deviceOf), mbit: [], us: [] });
if (values.only !== 'vxlan') {
  await measureThis('bridge and taps of root', true, plainTaps());
  const onOne = cleanup.use(await startJobNetwork({ subnet, here: 0, ranks: [0, 1], outbound: false, mtu, env }));
  await measureThis('job network, one node', false, ({ rank }) => tapIn(onOne, rank));
  const onTwo = await twoNodes();
  await measureThis('job network, two nodes', false, ({ rank }) => tapIn(onTwo[rank] as JobNetwork, rank));
}
if (values.only !== 'own') {
  const vxlans = cleanup.use(await twoVxlans(mtu));
  await measureThis('VXLAN by hand, two nodes', true, vxlans.byHand);
  await measureThis('VXLAN of hooks, two nodes', false, vxlans.prepared);
}

for (let round = 0; round < rounds; round++) {
  for (const { guests, mbit, us } of measured.values()) {
    const now = await measure(guests);
    mbit.push(now.mbit);
    us.push(now.us);
  }
}
const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1] ?? Number.NaN;
let floor: readonly number[] = [];
const rows = [...measured].map(([name, { isFloor, mbit, us }]) => {
  if (isFloor) floor = mbit;
  // Where the machine has other work, what was measured right before it says more than the median of all.
  const each = mbit.map((now, round) => now / (floor[round] ?? Number.NaN));
  return [
    name,
    ...[median(mbit), Math.min(...mbit), Math.max(...mbit)].map((value) => value.toFixed(0)),
    (median(mbit) / median(floor)).toFixed(2),
    median(each).toFixed(2),
    median(us).toFixed(0),
  ];
});
process.stdout.write(
  table([['WHAT', 'MEDIAN Mbit/s', 'MIN', 'MAX', 'OF THE FLOOR', 'BY ROUND', 'THERE AND BACK us'], ...rows]),
);
const all = [...measured].map(([name, { mbit, us }]) => [name, { mbit, us }] as const);
process.stdout.write(`${JSON.stringify(Object.fromEntries(all))}\n`);

/** Two guests that are up, connected by the devices. */
async function aPair(deviceOf: (vm: PlannedVm) => NetworkDevice): Promise<readonly [NodeGuest, NodeGuest]> {
  const owner = await readOwner();
  const context = {
    ...{ id: 'bench', owner, hosts: [{ host: 'bench', slots: 2 }], nodeIndex: 0, node: 'bench' },
    ...{ nodeFile: '/run/vtorque/nodefile', cwd: '/', directories: [], umask: 0o022, env },
    key: { engine: 'embedded', cluster: '', jobId: 'bench', attempt: '1', node: 'bench' },
  } as const;
  const start = async (vm: PlannedVm): Promise<NodeGuest> => {
    const network = guestNetwork({ subnet, outbound: false }, vm.rank);
    const places = placesToRead(process.env, owner.uid);
    const guest = await resolveGuest('host', { places, agent: agentProgram, network });
    return startNodeGuest({
      ...{ places, distro: undefined, variables: {}, hooks: undefined, reports: { log: () => {}, ended: () => {} } },
      ...{ context, request, settings: usualSettings, accelerator: 'tcg', guest, vms, vm, placement: undefined },
      ...{ connection: { network, device: deviceOf(vm) }, subnet, script: undefined, scriptPath: '/script' },
      ...{ record: () => {}, signal: AbortSignal.timeout(600_000), ssh: undefined },
    });
  };
  const guests = await Promise.all(vms.map(start));
  for (const guest of guests) cleanup.use(guest);
  return guests as unknown as readonly [NodeGuest, NodeGuest];
}

function tapIn(network: JobNetwork, rank: number): NetworkDevice {
  return { kind: 'tap', ...network.nic(rank, firstFreeDescriptor) };
}

/** The floor: what QEMU does with taps of the node's own network. */
function plainTaps(): (vm: PlannedVm) => NetworkDevice {
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [bridge, ...taps] = ['vtbench', 'vtbench0', 'vtbench1'];
  ip('link', 'add', bridge ?? '', 'type', 'bridge', 'forward_delay', '0');
  cleanup.defer(() => ip('link', 'del', bridge ?? ''));
  for (const tap of taps) {
    ip('tuntap', 'add', 'dev', tap, 'mode', 'tap', 'vnet_hdr', 'multi_queue');
    cleanup.defer(() => ip('link', 'del', tap));
    ip('link', 'set', tap, 'master', bridge ?? '', 'up');
  }
  ip('link', 'set', bridge ?? '', 'up');
  return ({ rank }) => ({
    ...{ kind: 'tap', mac: macOf(rank), vhost: false, mtu },
    ...preparedTap(taps[rank] ?? '', firstFreeDescriptor, 1, mtu),
  });
}

async function twoNodes(): Promise<readonly JobNetwork[]> {
  const secret = { secret: 'of the bench', scope: [] };
  const listeners = await Promise.all([0, 1].map((here) => listenForTrunks(secret, { host: '127.0.0.1', here })));
  return Promise.all(
    listeners.map(async (listener, here) => {
      cleanup.use(listener);
      const node = 1 - here;
      const peers = [{ node, ranks: [node], hosts: ['127.0.0.1'], port: listeners[node]?.port ?? 0 }];
      const others = { peers, listener, secret };
      return cleanup.use(await startJobNetwork({ subnet, here, ranks: [here], others, outbound: false, mtu, env }));
    }),
  );
}

async function measure([to, from]: readonly [NodeGuest, NodeGuest]): Promise<{ mbit: number; us: number }> {
  const receive = `import socket,sys,time
s=socket.socket();s.setsockopt(1,2,1);s.bind(('',5000));s.listen();print('up',flush=True)
c,_=s.accept();n=0;b=bytearray(1<<18);t=time.monotonic()
while k:=c.recv_into(b):n+=k
print(n*8e-6/(time.monotonic()-t));c,_=s.accept();c.setsockopt(6,1,1)
while d:=c.recv(64):c.sendall(d)`;
  const send = `import socket,time
s=socket.create_connection(('172.31.0.16',5000),20);b=bytes(1<<18);t=time.monotonic()
while time.monotonic()-t<${seconds}:s.sendall(b)
s.close();time.sleep(.2);s=socket.create_connection(('172.31.0.16',5000),20);s.setsockopt(6,1,1);l=[]
for i in range(300):t=time.perf_counter();s.sendall(b[:64]);s.recv(64);l.append(time.perf_counter()-t)
print(sorted(l)[150]*1e6)`;
  const { promise: isUp, resolve: up } = Promise.withResolvers<void>();
  const received = inGuest(to, receive, up);
  await Promise.race([isUp, received]);
  const us = Number(await inGuest(from, send, () => {}));
  return { mbit: Number((await received).replace('up\n', '')), us };
}

async function inGuest({ machine: { agent } }: NodeGuest, script: string, onOutput: () => void): Promise<string> {
  const process = agent.exec({
    program: python,
    argv: [python, '-c', script],
    cwd: '/',
    env,
    uid: 0,
    gid: 0,
    groups: [],
  });
  let output = '';
  for (const stream of [process.stdout, process.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      onOutput();
    });
  }
  const end = await process.exit;
  if (!('code' in end) || end.code !== 0) throw new Error(`the measurement failed: ${output}`);
  return output;
}
