// The network of a job, made as its jobs make it: the VMs are stand-ins that send and receive at their taps.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  addressOf,
  type Cidr,
  gatewayOf,
  type JobNetwork,
  type JobNetworkOptions,
  listenForTrunks,
  macOf,
  outboundMacs,
  startJobNetwork,
} from '../src/network/index.ts';
import { publicRoot } from '../src/site/public-root.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { inStation, type RawStation, rawStation } from './support/station.ts';
import { aUser } from './support/users.ts';

let clean: Residue;

before(async () => {
  clean = await lookForResidue();
});

after(() => expectNoResidue(clean));

const subnet: Cidr = { base: 0xac1f0000, prefix: 24 };
const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
const usual: JobNetworkOptions = { subnet, here: 0, ranks: [0, 1], outbound: false, mtu: 1500, env };

/** A job's network of several nodes, all of them this machine, each with two VMs. */
async function aJobNetwork(nodes: number, name = 'job', options: Partial<JobNetworkOptions> = {}) {
  await using cleanup = new AsyncDisposableStack();
  const secret = { secret: `of ${name}`, scope: [name] };
  const numbers = Array.from({ length: nodes }, (_, node) => node);
  const ranksOf = (node: number): number[] => [2 * node, 2 * node + 1];
  const listeners = await Promise.all(numbers.map((here) => listenForTrunks(secret, { host: '127.0.0.1', here })));
  for (const listener of listeners) cleanup.use(listener);
  const networks: JobNetwork[] = [];
  for (const [here, listener] of listeners.entries()) {
    const peers = numbers
      .filter((node) => node !== here)
      .map((node) => ({ node, ranks: ranksOf(node), hosts: ['127.0.0.1'], port: listeners[node]?.port ?? 0 }));
    const others = nodes === 1 ? {} : { others: { peers, listener, secret } };
    networks.push(cleanup.use(await startJobNetwork({ ...usual, here, ranks: ranksOf(here), ...others, ...options })));
  }
  const all = cleanup.move();
  const of = (rank: number): JobNetwork => networks[rank >> 1] as JobNetwork;
  return {
    of,
    stations: async <const R extends readonly number[]>(...ranks: R) => {
      const made = await Promise.all(ranks.map(async (rank) => all.use(await rawStation(of(rank), rank))));
      return made as { [K in keyof R]: RawStation };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

const everybody = 'ff:ff:ff:ff:ff:ff';
const [gatewayMac = ''] = outboundMacs(subnet);
/** IPv4, UDP from and to port 5000, whose content is a mark. */
function packet(mark: string): string {
  const head = Buffer.from('450000280000000040110000ac1f0010ac1f00ff', 'hex');
  head.writeUInt16BE(checksum(head), 10);
  return `${head.toString('hex')} 1388 1388 0014 0000 ${Buffer.from(mark.padEnd(12)).toString('hex')}`;
}
const frame = (to: string, from: string, mark: string): string => `${to} ${from} 0800 ${packet(mark)}`;
const hex = (number: number): string => number.toString(16).padStart(8, '0');
const whoHas = (asker: number, rank: number): string =>
  `${everybody} ${macOf(asker)} 0806 0001080006040001 ${macOf(asker)} ${hex(addressOf(subnet, asker))} 000000000000 ${hex(addressOf(subnet, rank))}`;
const has = (asker: number, rank: number): string =>
  `${macOf(asker)} ${macOf(rank)} 0806 0001080006040002 ${macOf(rank)} ${hex(addressOf(subnet, rank))} ${macOf(asker)} ${hex(addressOf(subnet, asker))}`;

test('VMs of one node and of different nodes reach each other, and ask for no address beyond their node', async () => {
  await using job = await aJobNetwork(2);
  const [a, b, c] = await job.stations(0, 1, 2);
  a.send(whoHas(0, 2));
  await a.gets(has(0, 2));
  a.send(frame(macOf(2), macOf(0), 'over there'));
  await c.gets(frame(macOf(2), macOf(0), 'over there'));
  c.send(frame(everybody, macOf(2), 'to all'));
  await Promise.all([a, b].map((each) => each.gets(frame(everybody, macOf(2), 'to all'))));
  a.send(frame(macOf(1), macOf(0), 'next door'));
  await b.gets(frame(macOf(1), macOf(0), 'next door'));
  assert.ok(!c.frames.some((each) => each.includes('0806') || each.includes(Buffer.from('next door').toString('hex'))));
});

test('two jobs with the same addresses on the same nodes never see a frame of each other', async () => {
  await using one = await aJobNetwork(2, 'one');
  await using other = await aJobNetwork(2, 'other');
  const [a, b] = await one.stations(0, 2);
  const [c, d] = await other.stations(0, 2);
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const target of [everybody, macOf(0), macOf(2), macOf(1)])
      from.send(frame(target, macOf(from === a ? 0 : 2), 'of one'));
    await to.gets(frame(everybody, macOf(from === a ? 0 : 2), 'of one'));
  }
  c.send(frame(everybody, macOf(0), 'of the other'));
  await d.gets(frame(everybody, macOf(0), 'of the other'));
  d.send(frame(macOf(0), macOf(2), 'of the other'));
  await c.gets(frame(macOf(0), macOf(2), 'of the other'));
  assert.deepEqual([c.frames.length, d.frames.length], [1, 1]);
});

test('what a guest sends under another hardware address, or under that of the gateway, does not reach other nodes', async () => {
  await using job = await aJobNetwork(2);
  const [a, b, c] = await job.stations(0, 2, 3);
  for (const liar of [macOf(2), macOf(7), gatewayMac, '02:00:00:00:00:01']) {
    for (const target of [macOf(2), everybody]) a.send(frame(target, liar, 'a lie'));
  }
  a.send(frame(macOf(3), macOf(0), 'the truth'));
  await c.gets(frame(macOf(3), macOf(0), 'the truth'));
  // Rank 2 may see it as well: its bridge has not heard of rank 3 yet.
  for (const { frames } of [b, c]) assert.deepEqual([...new Set(frames)], frames.slice(0, 1));
  assert.equal(c.frames.length, 1);
});

test('streams between nodes arrive whole, also in segments of 64 KiB', async () => {
  await using job = await aJobNetwork(2, 'job', { mtu: 9000 });
  const size = 64 * 1024 ** 2;
  // What a station has not sent when it ends is lost, so each waits for the other.
  const digest = 'import hashlib,socket,time\n';
  const receive = `${digest}s=socket.socket();s.bind(('',5000));s.listen();print('up',flush=True);c,_=s.accept();h=hashlib.sha256();n=0
while d:=c.recv(1<<20):h.update(d);n+=len(d)
c.sendall(b'.');print(n,h.hexdigest());time.sleep(1)`;
  const send = `${digest}import random
b=random.Random(7).randbytes(1<<20)
for i in range(100):
  try:s=socket.create_connection(('172.31.0.16',5000),5);break
  except OSError:time.sleep(.1)
h=hashlib.sha256()
for i in range(${size >> 20}):h.update(b);s.sendall(b)
s.shutdown(1);s.recv(1);print(${size},h.hexdigest())`;
  const [received, sent] = await Promise.all([
    inStation(job.of(0), { subnet, rank: 0, command: ['/usr/bin/python3', '-c', receive] }),
    inStation(job.of(2), { subnet, rank: 2, command: ['/usr/bin/python3', '-c', send] }),
  ]);
  assert.equal(received, `up\n${sent}`);
});

/** An address by which this machine is reached from outside; tests of ways out need one. */
const outside = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
const noOutside = outside === undefined ? 'needs an address besides the loopback' : false;

/** Tells each client where it seems to come from. */
async function aService(host: string): Promise<Server & { readonly port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${host} ${socket.remotePort}\n`);
  }).listen(0, host);
  await once(server, 'listening');
  return Object.assign(server, { port: (server.address() as { port: number }).port });
}

/** In Python: what a service answers, or "nothing". Routes are ioctls, so that no other program is needed. */
const client = `import fcntl,socket,struct,sys
def route(to, mask, gateway):
    address=lambda a:struct.pack('HH4s8x',2,0,socket.inet_aton(a))
    control=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)
    fcntl.ioctl(control,0x890b,struct.pack('8x',)+address(to)+address(gateway)+address(mask)+struct.pack('H64x',3))
def ask(host, port, source=0):
    s=socket.socket();s.settimeout(4)
    try:
        if source:s.bind(('',source))
        s.connect((host,port));return s.recv(100).decode().strip()
    except OSError:return 'nothing'
route('0.0.0.0','0.0.0.0','${gatewayOf(subnet)}')
`;

test('VMs reach what the user reaches, from a port that needs no privilege', { skip: noOutside }, async () => {
  await using job = await aJobNetwork(1, 'job', { outbound: true });
  const service = await aService(outside ?? '');
  try {
    const script = `${client}print(ask('${outside}',${service.port}));print(ask('${outside}',${service.port},700))`;
    const answers = (
      await inStation(job.of(0), { subnet, rank: 0, command: ['/usr/bin/python3', '-c', script] })
    ).trim();
    const ports = answers.split('\n').map((line) => Number(line.replace(`${outside} `, '')));
    assert.equal(ports.length, 2);
    for (const port of ports) assert.ok(port >= 1024, answers);
  } finally {
    service.close();
  }
});

test("no address leads a guest to services on the node's loopback, whatever it makes of its routes", async () => {
  await using job = await aJobNetwork(1, 'job', { outbound: true });
  const service = await aService('127.0.0.1');
  try {
    // Frames, because a guest's own system need not be as it should: as connections to each address at the gateway.
    const [guest, neighbour] = await job.stations(0, 1);
    const reached = once(service, 'connection').then(() => 'reached');
    const port = service.port.toString(16).padStart(4, '0');
    for (const target of [
      '127.0.0.1',
      '127.1.2.3',
      '0.0.0.0',
      gatewayOf(subnet),
      '172.31.0.3',
      '172.31.0.0',
      '255.255.255.255',
    ]) {
      for (const options of [false, true])
        guest.send(`${gatewayMac} ${macOf(0)} 0800 ${connect(target, port, options)}`);
    }
    // What came after has come through: then the others have had their time.
    guest.send(`${everybody} ${macOf(0)} 0806 0001080006040001 ${macOf(0)} ac1f0010 000000000000 ac1f0002`);
    await guest
      .gets(
        `${macOf(0)} ${gatewayMac} 0806 0001080006040002 ${gatewayMac} ac1f0002 ${macOf(0)} ac1f0010 ${'00'.repeat(22)}`,
      )
      .catch(() =>
        guest.gets(`${macOf(0)} ${gatewayMac} 0806 0001080006040002 ${gatewayMac} ac1f0002 ${macOf(0)} ac1f0010`),
      );
    assert.equal(
      await Promise.race([reached, new Promise((resolve) => setTimeout(resolve, 500, 'nothing'))]),
      'nothing',
    );
    assert.ok(neighbour.frames.length > 0);
  } finally {
    service.close();
  }
});

/** A SYN that slirp4netns takes, its checksums right. */
function connect(target: string, port: string, withOptions: boolean): string {
  const to = Buffer.from(target.split('.').map(Number));
  const from = Buffer.from('ac1f0010', 'hex');
  const tcp = Buffer.from(`c000${port}00000001000000005002ffff00000000`, 'hex');
  tcp.writeUInt16BE(checksum(Buffer.concat([from, to, Buffer.from([0, 6, 0, tcp.length]), tcp])), 16);
  // Loose source route, which names another destination.
  const options = withOptions ? Buffer.from('8307047f00000100', 'hex') : Buffer.alloc(0);
  const ip = Buffer.concat([Buffer.from('450000000000400040060000', 'hex'), from, to, options]);
  ip.writeUInt8(0x40 + ip.length / 4);
  ip.writeUInt16BE(ip.length + tcp.length, 2);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([ip, tcp]).toString('hex');
}

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

test('a process of the network that is killed is told, and which one it was', async () => {
  for (const name of ['jobnet', 'slirp4netns']) {
    await using network = await startJobNetwork({ ...usual, outbound: true });
    const [pid] = await childrenCalled(name, process.pid);
    process.kill(pid ?? 0, 'SIGKILL');
    const lost = await network.lost;
    assert.equal(lost.code, 'E_NETWORK_LOST');
    assert.match(
      lost.message,
      name === 'jobnet' ? /the process that holds it ended by SIGKILL/ : /slirp4netns ended by SIGKILL/,
    );
  }
});

test('an ordinary user makes it, and nothing of it is left when its maker is killed', async () => {
  using user = aUser();
  const program = join(await publicRoot(), 'test/support/network-program.ts');
  const [command = '', ...args] = [...user.become, process.execPath, program];
  const maker = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await Promise.race([once(maker.stdout, 'data'), once(maker, 'exit').then(() => ['{}'])]);
  const { uid, vm, facts } = JSON.parse(String(line)) as { uid: number; vm: number; facts: string[] };
  assert.equal(uid, user.uid);
  assert.match(facts.join(), /outbound by slirp4netns, confined/);
  maker.kill('SIGKILL');
  await once(maker, 'exit');
  process.kill(vm, 'SIGKILL');
  await expectNoResidue(clean);
});

test('an MTU that is none, a node without namespaces for users, and one without slirp4netns are told', async () => {
  for (const mtu of [0, 500, 70_000]) {
    await assert.rejects(startJobNetwork({ ...usual, mtu }), { code: 'E_NETWORK_MTU', phase: 'network' });
  }
  await assert.rejects(startJobNetwork({ ...usual, outbound: true, env: { PATH: '/nowhere' } }), {
    code: 'E_NETWORK_OUTBOUND',
    message: /"slirp4netns" is not there/,
  });
  const module = JSON.stringify(join(import.meta.dirname, '../src/network/index.ts'));
  const script = `const { startJobNetwork } = await import(${module});
    await startJobNetwork(${JSON.stringify(usual)}).catch(({ code, message, hint }) => console.log(code, message, hint));`;
  const inside = `echo 0 > /proc/sys/user/max_user_namespaces; exec "$0" --input-type=module -e "$1"`;
  const child = spawn('unshare', ['--user', '--map-root-user', 'sh', '-c', inside, process.execPath, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = await once(child.stdout, 'data');
  assert.match(
    String(text),
    /^E_NETWORK_NAMESPACE Cannot set up the job's network: ordinary users get no .*max_user_namespaces/,
  );
});

/** Processes that this one has started. */
async function childrenCalled(name: string, parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      return stat.startsWith(`${pid} (${name}) `) && Number(stat.split(') ')[1]?.split(' ')[1]) === parent
        ? [Number(pid)]
        : [];
    }),
  );
  return found.flat();
}
