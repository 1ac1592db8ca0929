import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { GuestAgent } from '../../../guest/linux/index.ts';
import type { CloudGuest, GuestSystem, HostGuest, ImageGuest } from '../../../image/index.ts';
import type { ShareMount } from '../shares.ts';
import { guestKind } from './index.ts';

const boot = { kernel: '/k/vmlinux', kernelRelease: '6.1.0-1-amd64', initrd: '/k/initrd' };
const disk = { path: '/i/disk.qcow2', format: 'qcow2', useLock: '/i/use.lock' } as const;
const host: HostGuest = { kind: 'host', name: 'host', ...boot };
const image: ImageGuest = { kind: 'disk', name: 'mine', ...boot, disk, rootFs: { device: '/dev/vda', type: 'ext4' } };
const cloud: CloudGuest = { kind: 'cloud', name: 'cloud', disk, seed: '/c/seed.iso', probe: boot };
const mounts: readonly ShareMount[] = [{ tag: 'share0', type: 'virtiofs', targets: ['/home/me'], readonly: false }];

/** An agent that writes down what it is told; programs end with the code that is given for them, files that are not given are empty. */
function anAgent(exitCodes: Readonly<Record<string, number>> = {}, files: Readonly<Record<string, string>> = {}) {
  const told: string[] = [];
  const note =
    (name: string) =>
    async (...args: unknown[]): Promise<void> => {
      told.push([name, ...args.map((arg) => (typeof arg === 'string' ? arg : JSON.stringify(arg)))].join(' '));
    };
  const exec = ({ argv }: { argv: readonly string[] }) => {
    told.push(`exec ${argv[0]}`);
    const [stdout, stderr] = [new PassThrough().end('out\n'), new PassThrough().end('err\n')];
    return { stdout, stderr, signal: () => {}, exit: Promise.resolve({ code: exitCodes[argv[0] ?? ''] ?? 0 }) };
  };
  const readFile = async (path: string): Promise<Buffer> => Buffer.from(files[path] ?? '');
  const agent = {
    exec,
    readFile,
    loadModules: note('modules'),
    mount: note('mount'),
    makeRoot: note('root'),
    tidy: note('tidy'),
  };
  return { agent: agent as unknown as GuestAgent, told };
}

async function prepare(guest: GuestSystem, exitCodes?: Readonly<Record<string, number>>): Promise<string[]> {
  const { agent, told } = anAgent(exitCodes);
  await guestKind(guest).prepare(agent, mounts, () => {}, '/n/nodefile');
  return told;
}

test("a guest on the node's system has the node's root directory, read-only", () => {
  const { machine } = guestKind(host);
  assert.deepEqual(machine.boot, { kind: 'direct', kernel: '/k/vmlinux', initrd: '/k/initrd' });
  assert.equal(machine.disk, undefined);
  assert.deepEqual(machine.shares, [{ transport: '9p', tag: 'host', source: '/', readonly: true }]);
});

test('a guest of an image has its disk and no directory of the node', () => {
  const { machine } = guestKind(image);
  assert.deepEqual([machine.boot.kind, machine.disk, machine.shares], ['direct', disk, []]);
});

test('a cloud image is booted by the firmware, with its seed, and given more time', () => {
  const { machine, network, readyWithinMs } = guestKind(cloud);
  assert.deepEqual(machine.boot, { kind: 'disk', seed: '/c/seed.iso' });
  assert.equal(network, 'system');
  assert.ok(readyWithinMs > guestKind(image).readyWithinMs);
});

test('guests that the agent boots get their modules before their root', async () => {
  for (const guest of [host, image]) {
    const told = await prepare(guest);
    const [first, last] = [
      told.findIndex((call) => call.startsWith('root')),
      told.findLastIndex((call) => call.startsWith('modules')),
    ];
    assert.ok(last < first && last >= 0, told.join('\n'));
    assert.ok(told.includes('modules virtiofs'));
  }
});

test('a cloud guest keeps its root, stops its own ssh server, loads drivers by its own means and gets a directory from which the script can run', async () => {
  const told = await prepare(cloud);
  assert.deepEqual(
    told.map((call) => call.split(' ', 2).join(' ')),
    ['exec /bin/sh', 'exec /bin/sh', 'exec modprobe', told[3]?.split(' ', 2).join(' ')],
  );
  assert.match(told[3] ?? '', /^mount .*"target":"\/run\/vtorque","type":"tmpfs"/);
});

test('a cloud guest whose kernel cannot mount the shares is refused with what its modprobe said', async () => {
  await assert.rejects(prepare(cloud, { modprobe: 1 }), {
    code: 'E_GUEST_DRIVER',
    message: /no driver for virtiofs/,
    details: ['modprobe: exit code 1', 'out', 'err'],
  });
});

test('a cloud guest whose system never counts as started goes on all the same', async () => {
  assert.equal((await prepare(cloud, { '/bin/sh': 1 })).length, 4);
});

test('a clone of a cloud guest waits for no system, loads only drivers that are missing, and calls its interface eth0', async () => {
  const names = 'head\nhead\n    lo: 0 0\n';
  const told = async (interfaces: string, filesystems: string): Promise<string[]> => {
    const files = { '/proc/net/dev': interfaces, '/proc/filesystems': filesystems };
    const { agent, told } = anAgent({}, files);
    await guestKind(cloud).cloned?.prepare?.(agent, mounts, () => {}, '/n/nodefile');
    return told.map((call) => call.split(' ', 2).join(' ').replace(/\{.*/, ''));
  };
  assert.deepEqual(await told(names, 'nodev\tvirtiofs\n'), ['mount ']);
  assert.deepEqual(await told(`${names}  eth0: 0 0\n`, 'nodev\tvirtiofs\n'), ['mount ']);
  assert.deepEqual(await told(`${names}enp0s5: 0 0\n`, ''), ['exec /bin/sh', 'exec modprobe', 'mount ']);
});

test('a cloud guest that would hand on keys of an ssh service does not become a template', async () => {
  const { agent } = anAgent({ '/bin/sh': 1 });
  await assert.rejects(guestKind(cloud).template.prepare(agent), { code: 'E_TEMPLATE', details: ['out', 'err'] });
});

test('a guest in its initial RAM disk becomes a template only while nothing else is mounted', async () => {
  const own = 'rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n';
  const mounted = (mounts: string) => anAgent({}, { '/proc/self/mounts': mounts });
  const { agent, told } = mounted(own);
  await guestKind(host).template.prepare(agent);
  assert.match(told.at(-1) ?? '', /^tidy/);
  await assert.rejects(guestKind(host).template.prepare(mounted(`${own}host /lower 9p ro 0 0\n`).agent), {
    code: 'E_TEMPLATE',
    details: ['host /lower 9p ro 0 0'],
  });
});
