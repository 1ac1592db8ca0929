import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { qemuArguments } from './command-line.ts';
import type { VmSpec } from './spec.ts';

const fds = { qmp: 3, console: 4, agent: 5 };

function aSpec(changes: Partial<VmSpec> = {}): VmSpec {
  return {
    name: 'vnode1-1',
    vcpus: 2,
    ram: 512 * 1024 ** 2,
    accelerator: 'tcg',
    boot: { kind: 'direct', kernel: '/k/vmlinux', initrd: '/k/initrd.cpio' },
    shares: [],
    network: 'none',
    ...changes,
  };
}

/** The value behind each occurrence of an option. */
function values(args: readonly string[], option: string): string[] {
  return args.flatMap((word, index) => (word === option ? [args[index + 1] ?? ''] : []));
}

test('qemuArguments() of a plain guest is the known line', () => {
  assert.deepEqual(qemuArguments(aSpec(), fds), [
    ...['-name', 'guest=vnode1-1,debug-threads=on'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...['-machine', 'q35,smbus=off,sata=off,usb=off,vmport=off,i8042=off,memory-backend=ram'],
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max,-erms', '-smp', '2'],
    ...['-object', 'memory-backend-ram,id=ram,size=512M', '-m', '512M'],
    ...['-kernel', '/k/vmlinux', '-initrd', '/k/initrd.cpio', '-append'],
    'console=ttyS0 quiet panic=-1 net.ifnames=0 random.trust_cpu=on cryptomgr.notests no_timer_check 8250.nr_uarts=1',
    ...['-chardev', 'socket,id=qmp,fd=3', '-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', 'socket,id=console,fd=4', '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci,id=serial', '-chardev', 'socket,id=agent,fd=5'],
    ...['-device', 'virtserialport,bus=serial.0,nr=1,chardev=agent,name=vtorque.agent'],
    ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
  ]);
});

test('qemuArguments() uses the processor itself with KVM', () => {
  const args = qemuArguments(aSpec({ accelerator: 'kvm' }), fds);
  assert.deepEqual([values(args, '-accel'), values(args, '-cpu')], [['kvm'], ['host']]);
});

test('qemuArguments() shows the processor model that was asked for, and takes host for all that there is', () => {
  const model = (changes: Partial<VmSpec>) => values(qemuArguments(aSpec(changes), fds), '-cpu')[0];
  assert.equal(model({ cpu: 'Haswell', accelerator: 'kvm' }), 'Haswell');
  assert.equal(model({ cpu: 'Haswell', accelerator: 'tcg' }), 'Haswell,-erms');
  assert.equal(model({ cpu: 'host' }), model({}));
});

test('qemuArguments() reads a disk through a throw-away overlay', () => {
  const args = qemuArguments(aSpec({ disk: { path: '/i/root.qcow2', format: 'qcow2' } }), fds);
  assert.deepEqual(values(args, '-drive'), [
    'if=none,id=root,file=/i/root.qcow2,format=qcow2,snapshot=on,cache=unsafe,discard=unmap',
  ]);
});

test('qemuArguments() lets the firmware boot a disk that is not known, with the seed as second disk', () => {
  const disk = { path: '/i/cloud.qcow2', format: 'qcow2' } as const;
  const args = qemuArguments(aSpec({ boot: { kind: 'disk', seed: '/c/seed,1.iso' }, disk }), fds);
  for (const option of ['-kernel', '-initrd', '-append']) assert.deepEqual(values(args, option), []);
  assert.deepEqual(values(args, '-drive'), [
    'if=none,id=root,file=/i/cloud.qcow2,format=qcow2,snapshot=on,cache=unsafe,discard=unmap',
    'if=none,id=seed,file=/c/seed,,1.iso,format=raw,readonly=on',
  ]);
  assert.deepEqual(values(args, '-device').slice(-2), ['virtio-blk-pci,drive=root', 'virtio-blk-pci,drive=seed']);
});

test('qemuArguments() shares the guest memory with virtiofsd, and only then', () => {
  const share = { transport: 'virtiofs', tag: 'home', socket: '/r/home.sock' } as const;
  const args = qemuArguments(aSpec({ shares: [share] }), fds);
  assert.ok(values(args, '-object').includes('memory-backend-memfd,id=ram,size=512M,share=on'));
  assert.ok(values(args, '-device').includes('vhost-user-fs-pci,chardev=share0,tag=home,queue-size=1024'));
});

test('qemuArguments() serves a read-only 9p share read-only', () => {
  const share = { transport: '9p', tag: 'host', source: '/', readonly: true } as const;
  const args = qemuArguments(aSpec({ shares: [share] }), fds);
  assert.deepEqual(values(args, '-fsdev'), ['local,id=share0,path=/,security_model=none,multidevs=remap,readonly=on']);
});

test('qemuArguments() keeps every path inside its option, whatever characters it has', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (path) => {
      const share = { transport: '9p', tag: 'home', source: path, readonly: false } as const;
      const [option = ''] = values(qemuArguments(aSpec({ shares: [share] }), fds), '-fsdev');
      const fields = option
        .replaceAll(',,', '\0')
        .split(',')
        .map((field) => field.replaceAll('\0', ','));
      assert.deepEqual(fields.length, 5);
      assert.equal(fields[2], `path=${path}`);
    }),
    // A NUL cannot stand in an argument and is this test's own mark.
    { examples: [['/a,readonly=off'], ['/a,,b'], [',']] },
  );
});
