import assert from 'node:assert/strict';
import { test } from 'node:test';
import { qemuArguments } from '../command-line.ts';
import type { VmSpec } from '../spec.ts';
import { aSpec } from '../test-spec.ts';
import { cloneLine, clonePlugs, cloneSpec, templateLine, templateSpec } from './line.ts';

const fds = { qmp: 3, console: 4, agent: 5 };
const memory = { path: '/t/ram', share: false };
const spec = aSpec({
  disk: { path: '/i/root.qcow2', format: 'qcow2' },
  shares: [
    { transport: '9p', tag: 'host', source: '/', readonly: true },
    { transport: 'virtiofs', tag: 'home', socket: '/r/home.sock' },
  ],
  network: { kind: 'user', mac: '02:76:00:00:00:00' },
});

function values(args: readonly string[], option: string): string[] {
  return args.flatMap((word, index) => (word === option ? [args[index + 1] ?? ''] : []));
}

test('templateLine() boots a machine without anything of a job', () => {
  const line = templateLine(qemuArguments(templateSpec(spec, '/t/disk'), fds), memory);
  assert.deepEqual(values(line, '-device'), [
    'virtio-serial-pci,id=serial,max_ports=2',
    'virtserialport,bus=serial.0,nr=1,chardev=agent,name=vtorque.agent',
    'virtio-rng-pci,rng=rng',
    'pcie-pci-bridge,id=slots,addr=0x1e',
  ]);
  assert.deepEqual(values(line, '-kernel'), ['/k/vmlinux']);
  for (const word of ['vnode1-1', 'qcow2', 'home', 'netdev']) assert.ok(!line.join(' ').includes(word), word);
});

test('cloneLine() has the devices of the template first, then those of the job, and loads no kernel', () => {
  const line = cloneLine(qemuArguments(spec, fds), memory);
  const template = templateLine(qemuArguments(templateSpec(spec, '/t/disk'), fds), memory);
  const devices = values(line, '-device');
  const [bridge = '', ...others] = values(template, '-device').toReversed();
  assert.deepEqual(devices.slice(0, others.length), others.toReversed());
  assert.equal(devices.at(-1), bridge);
  for (const option of ['-kernel', '-initrd', '-append']) assert.deepEqual(values(line, option), []);
  assert.deepEqual(values(line, '-incoming'), ['defer']);
  for (const option of ['-machine', '-cpu', '-smp', '-m', '-accel'])
    assert.deepEqual(values(line, option), values(template, option));
});

test('cloneLine() leaves virtiofs with its connection to clonePlugs(), and everything else where it was', () => {
  const line = cloneLine(qemuArguments(spec, fds), memory);
  assert.ok(!line.join(' ').includes('vhost-user'));
  assert.deepEqual(values(line, '-chardev'), ['socket,id=qmp,fd=3', 'socket,id=console,fd=4', 'socket,id=agent,fd=5']);
  assert.ok(values(line, '-device').includes('virtio-9p-pci,fsdev=share0,mount_tag=host'));
  assert.deepEqual(
    clonePlugs(spec.shares).map(({ chardev, device }) => [chardev.id, device.chardev, device.tag, device.bus]),
    [['share1', 'share1', 'home', 'slots']],
  );
});

test('cloneLine() has its memory in the file, with commas written as QEMU wants them', () => {
  const line = cloneLine(qemuArguments(spec, fds), { path: '/t,1/ram', share: true });
  assert.ok(values(line, '-object').includes('memory-backend-file,id=ram,size=512M,mem-path=/t,,1/ram,share=on'));
});

test('the disk of a template that boots itself keeps what is written, and that of a clone is over it and does not', () => {
  const disk: VmSpec = { ...spec, boot: { kind: 'disk', seed: '/s.iso' } };
  const root = (line: string[]): string | undefined => values(line, '-drive').find((word) => word.includes('id=root,'));
  const template = templateLine(qemuArguments(templateSpec(disk, '/t/disk'), fds), memory);
  const clone = cloneLine(qemuArguments(cloneSpec(disk, '/t/disk'), fds), memory);
  assert.match(root(template) ?? '', /^if=none,id=root,file=\/t\/disk,format=qcow2,(?!.*snapshot)/);
  assert.match(root(clone) ?? '', /^if=none,id=root,file=\/t\/disk,format=qcow2,snapshot=on/);
  assert.equal(cloneSpec(spec, '/t/disk'), spec);
  const overlay = { fd: 6, room: 1024 ** 3 };
  const inMemory = cloneSpec({ ...disk, disk: { path: '/i/a.qcow2', format: 'raw', overlay } }, '/t/disk');
  assert.deepEqual(inMemory.disk, { path: '/t/disk', format: 'qcow2', overlay });
});
