import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LeaseKey } from '../../src/node/leases/lease.ts';
import { readPreparedNetwork, readPreparedSiteTaps } from '../../src/node/network/prepared.ts';
import type { NetworkSettings } from '../../src/node/network/settings.ts';
import { type CommandResult, execute } from './cluster.ts';
import { until } from './embedded.ts';
import type { TestUser } from './users.ts';

/** A node, as far as networks go: a network namespace with one device into the network of the nodes. */
export interface Machine {
  /** Its name, by which others find its address: it is one. */
  readonly address: string;
  readonly namespace: string;
  run(argv: readonly string[], options?: { readonly input?: string }): Promise<CommandResult>;
  prepare(job: JobOnMachine): ReturnType<typeof readPreparedNetwork>;
  release(jobId: string): Promise<CommandResult>;
  siteTaps(jobId: string): ReturnType<typeof readPreparedSiteTaps>;
  /** Names of its devices that are jobs'. */
  devices(): Promise<string[]>;
  /** A program that notes what comes to a UDP port. */
  listen(port: number): Promise<TapEnd>;
  /** Send a datagram, as root unless told, by way of a device if one is told. */
  send(
    address: string,
    port: number,
    data: string | Buffer,
    how?: { readonly user?: TestUser; readonly device?: string },
  ): Promise<void>;
  /** A program of a user at one of the taps. */
  open(user: TestUser, ifname: string, kind?: 'vm' | 'gateway'): Promise<TapEnd>;
}

export interface JobOnMachine {
  readonly jobId: string;
  readonly owner: TestUser;
  readonly nodes?: readonly string[] | undefined;
  readonly settings?: Partial<NetworkSettings>;
  readonly job?: Partial<NonNullable<NetworkSettings['job']>>;
}

export interface TapEnd extends AsyncDisposable {
  send(...frames: readonly Buffer[]): void;
  /** All that have come, in order. */
  readonly frames: readonly Buffer[];
  /** Wait for one with this text in it. */
  got(text: string): Promise<void>;
  /** Wait for any. */
  any(what: string): Promise<void>;
}

export interface Machines extends AsyncDisposable {
  readonly machines: readonly [Machine, Machine, Machine];
  readonly directory: string;
  /** The namespace to which all are connected, and its address. */
  readonly hub: { readonly namespace: string; readonly address: string };
}

const TIMEOUT_MS = 60_000;

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { timeout: TIMEOUT_MS });
}

/** Three machines in one network, without any traffic of their own. @param mtu of that network */
export function someMachines(mtu: number): Machines {
  const directory = mkdtempSync('/tmp/vtt-machines-');
  const id = randomBytes(3).toString('hex');
  const hub = `vtt${id}h`;
  ip('netns', 'add', hub);
  ip('-n', hub, 'link', 'add', 'hub', 'type', 'bridge', 'forward_delay', '0');
  ip('-n', hub, 'address', 'add', '10.99.0.254/24', 'dev', 'hub');
  ip('-n', hub, 'link', 'set', 'lo', 'up');
  ip('-n', hub, 'link', 'set', 'hub', 'up');
  const numbers = [1, 2, 3] as const;
  for (const n of numbers) {
    const node = `vtt${id}${n}`;
    ip('netns', 'add', node);
    ip('-n', node, 'link', 'add', 'under', 'mtu', String(mtu), 'type', 'veth', 'peer', 'name', `p${n}`, 'netns', hub);
    ip('-n', hub, 'link', 'set', `p${n}`, 'mtu', String(mtu), 'master', 'hub', 'up');
    ip('-n', node, 'address', 'add', `10.99.0.${n}/24`, 'dev', 'under');
    ip('-n', node, 'link', 'set', 'lo', 'up');
    ip('-n', node, 'link', 'set', 'under', 'up');
  }
  const machine = (n: number): Machine => aMachine(`vtt${id}${n}`, `10.99.0.${n}`, join(directory, String(n)));
  return {
    machines: [machine(1), machine(2), machine(3)],
    directory,
    hub: { namespace: hub, address: '10.99.0.254' },
    async [Symbol.asyncDispose]() {
      for (const end of [...numbers, 'h']) ip('netns', 'delete', `vtt${id}${end}`);
      rmSync(directory, { recursive: true });
    },
  };
}

/** Built in, but for a VXLAN. */
const settings: NetworkSettings = {
  vms: 2,
  job: { mtu: 0, underlay: '', names: '*', range: [1, 2 ** 24 - 1], port: 4789 },
  site: undefined,
};

function aMachine(namespace: string, address: string, directory: string): Machine {
  const places = { records: join(directory, 'networks'), facts: join(directory, 'jobs') };
  const inside = ['ip', 'netns', 'exec', namespace];
  const keyOf = (jobId: string): LeaseKey => ({
    ...{ engine: 'slurm', cluster: 'c', jobId, attempt: undefined, node: address },
  });
  const hook = async (input: object): Promise<CommandResult> => {
    const program = join(import.meta.dirname, 'network-hook.ts');
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', program];
    return machine.run([...node, JSON.stringify(input)]);
  };
  const datagrams = join(import.meta.dirname, 'datagram.py');
  const machine: Machine = {
    address,
    namespace,
    run: (argv, { input } = {}) =>
      execute([...inside, ...argv], { timeoutMs: TIMEOUT_MS, ...(input === undefined ? {} : { input }) }),
    prepare: async ({ jobId, owner, nodes, settings: changes, job }) => {
      const key = keyOf(jobId);
      const { name, uid, gid } = owner;
      const all = { ...settings, ...changes };
      const wanted = all.job === undefined ? all : { ...all, job: { ...all.job, ...job } };
      const input = { job: { key, owner: { name, uid, gid } }, nodes, settings: wanted, leases: '/leases', places };
      const { code, stderr } = await hook({ event: 'prepare', ...input });
      if (code !== 0 || stderr !== '') throw new Error(`the hook failed: ${stderr}`);
      return readPreparedNetwork(key, places.facts);
    },
    release: (jobId) => hook({ event: 'release', job: { key: keyOf(jobId) }, places }),
    siteTaps: (jobId) => readPreparedSiteTaps(keyOf(jobId), places.facts),
    devices: async () => {
      const { stdout } = await machine.run(['ip', '-json', 'link', 'show']);
      const links = JSON.parse(stdout) as { ifname: string }[];
      return links.map(({ ifname }) => ifname).filter((name) => name.startsWith('vtq'));
    },
    listen: (port) => tapEnd([...inside, '/usr/bin/python3', datagrams, 'listen', String(port)]),
    send: async (to, port, data, { user, device } = {}) => {
      const words = [
        'send',
        to,
        String(port),
        Buffer.from(data).toString('hex'),
        ...(device === undefined ? [] : [device]),
      ];
      const sent = await machine.run([...(user?.become ?? []), '/usr/bin/python3', datagrams, ...words]);
      if (sent.code !== 0) throw new Error(sent.stderr);
    },
    open: async (user, ifname, kind = 'vm') => {
      const program = join(import.meta.dirname, 'tap-end.py');
      return tapEnd([...inside, ...user.become, '/usr/bin/python3', program, ifname, kind]);
    },
  };
  return machine;
}

async function tapEnd([program = '', ...args]: readonly string[]): Promise<TapEnd> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const frames: Buffer[] = [];
  let opened = false;
  createInterface(child.stdout).on('line', (line) => {
    if (opened) frames.push(Buffer.from(line, 'hex'));
    opened = true;
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await until(async () => opened || hasEnded(child), 'the tap is open');
  if (!opened) throw new Error(said.trim().split('\n').at(-1));
  return {
    send: (...sent) => void child.stdin.write(sent.map((frame) => `${frame.toString('hex')}\n`).join('')),
    frames,
    any: (what) => until(async () => frames.length > 0, what),
    got: (text) => until(async () => frames.some((frame) => frame.includes(text)), `a frame with "${text}" comes`),
    async [Symbol.asyncDispose]() {
      child.kill();
      child.stdin.end();
      await ended;
    },
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

const EVERYBODY = 'ff:ff:ff:ff:ff:ff';

export interface FrameOptions {
  readonly to?: string;
  /** Of what is in it: a number for experiments unless told. */
  readonly type?: number;
  /** What comes before the text. */
  readonly payload?: Buffer;
}

/** An Ethernet frame with a text in it. */
export function frame(from: string, text: string, how: FrameOptions = {}): Buffer {
  const { to = EVERYBODY, type = 0x88b5, payload = Buffer.alloc(0) } = how;
  const head = Buffer.from(`${to}:${from}`.replaceAll(':', ''), 'hex');
  const kind = Buffer.from([type >> 8, type & 0xff]);
  return Buffer.concat([head, kind, payload, Buffer.from(text), Buffer.alloc(46)]);
}

/** A UDP packet over IPv4 without any checksum of UDP. */
export function udp(
  from: string,
  to: string,
  ports: readonly [source: number, destination: number],
  content: string | Buffer,
): Buffer {
  const data = Buffer.from(content);
  const head = Buffer.alloc(28);
  head.writeUInt8(0x45, 0);
  head.writeUInt16BE(28 + data.length, 2);
  head.writeUInt8(64, 8);
  head.writeUInt8(17, 9);
  for (const [at, address] of [
    [12, from],
    [16, to],
  ] as const) {
    for (const [i, part] of address.split('.').entries()) head.writeUInt8(Number(part), at + i);
  }
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += head.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  head.writeUInt16BE(~sum & 0xffff, 10);
  head.writeUInt16BE(ports[0], 20);
  head.writeUInt16BE(ports[1], 22);
  head.writeUInt16BE(8 + data.length, 24);
  return Buffer.concat([head, data]);
}

/** See that root has made nothing on these machines, or that nothing is left of it. */
export async function expectNothing(made: Machines, machines: readonly Machine[]): Promise<void> {
  for (const machine of machines) {
    assert.deepEqual(await machine.devices(), []);
    assert.doesNotMatch((await machine.run(['nft', 'list', 'tables'])).stdout, /vtorque/);
    const number = String(made.machines.indexOf(machine) + 1);
    assert.deepEqual(await readdir(join(made.directory, number, 'jobs')), [], `machine ${number}`);
    assert.deepEqual(await readdir(join(made.directory, number, 'networks')), ['.lock']);
  }
}

/** The payload of a question who has an address. */
export function arpRequest(mac: string, from: string, to: string): Buffer {
  const bytes = (address: string): number[] => address.split('.').map(Number);
  const hardware = mac.split(':').map((part) => Number.parseInt(part, 16));
  return Buffer.from([0, 1, 8, 0, 6, 4, 0, 1, ...hardware, ...bytes(from), 0, 0, 0, 0, 0, 0, ...bytes(to)]);
}
