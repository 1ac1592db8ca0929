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

/** An agent that writes down what it is told; programs end with the code that is given for them. */
function anAgent(exitCodes: Readonly<Record<string, number>> = {}) {
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
  const agent = { exec, loadModules: note('modules'), mount: note('mount'), makeRoot: note('root') };
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

test('a cloud guest keeps its root, loads drivers by its own means and gets a directory from which the script can run', async () => {
  const told = await prepare(cloud);
  assert.deepEqual(
    told.map((call) => call.split(' ', 2).join(' ')),
    ['exec /bin/sh', 'exec modprobe', told[2]?.split(' ', 2).join(' ')],
  );
  assert.match(told[2] ?? '', /^mount .*"target":"\/run\/vtorque","type":"tmpfs"/);
});

test('a cloud guest whose kernel cannot mount the shares is refused with what its modprobe said', async () => {
  await assert.rejects(prepare(cloud, { modprobe: 1 }), {
    code: 'E_GUEST_DRIVER',
    message: /no driver for virtiofs/,
    details: ['modprobe: exit code 1', 'out', 'err'],
  });
});

test('a cloud guest whose system never counts as started goes on all the same', async () => {
  assert.equal((await prepare(cloud, { '/bin/sh': 1 })).length, 3);
});
