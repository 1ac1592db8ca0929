import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { qemuArguments } from './command-line.ts';
import type { VmSpec } from './spec.ts';
import { aSpec } from './test-spec.ts';

const fds = { qmp: 3, console: 4, agent: 5 };

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
    'console=ttyS0 quiet panic=-1 net.ifnames=0 random.trust_cpu=on cryptomgr.notests no_timer_check 8250.nr_uarts=1 acpi_mask_gpe=0x01 lsm=landlock,yama',
    ...['-chardev', 'socket,id=qmp,fd=3', '-mon', 'chardev=qmp,mode=control'],
    ...['-chardev', 'socket,id=console,fd=4', '-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci,id=serial,max_ports=2', '-chardev', 'socket,id=agent,fd=5'],
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

test('qemuArguments() of a machine that is pinned, on two NUMA nodes with huge pages, is the known line', () => {
  const placement = {
    pins: { vcpus: [0, 1, 8, 9], others: [4, 5] },
    topology: { sockets: 2, dies: 1, cores: 1, threads: 2 },
    memory: {
      hugePages: 2 * 1024 ** 2,
      cells: [
        { size: 256 * 1024 ** 2, hostNode: 0, vcpus: [0, 1] },
        { size: 512 * 1024 ** 2, hostNode: 3, vcpus: [2, 3] },
      ],
      distances: [
        [10, 21],
        [22, 10],
      ],
    },
  };
  const args = qemuArguments(aSpec({ vcpus: 4, placement }), fds);
  assert.deepEqual(args.slice(args.indexOf('-machine'), args.indexOf('-kernel')), [
    ...['-machine', 'q35,smbus=off,sata=off,usb=off,vmport=off,i8042=off', '-accel', 'tcg,thread=multi'],
    ...['-cpu', 'max,-erms', '-smp', '4,sockets=2,dies=1,cores=1,threads=2'],
    '-object',
    'memory-backend-memfd,id=ram0,size=256M,hugetlb=on,hugetlbsize=2M,prealloc=on,share=on,host-nodes=0,policy=bind',
    '-object',
    'memory-backend-memfd,id=ram1,size=512M,hugetlb=on,hugetlbsize=2M,prealloc=on,share=on,host-nodes=3,policy=bind',
    ...['-m', '768M', '-numa', 'node,nodeid=0,memdev=ram0,cpus=0-1', '-numa', 'node,nodeid=1,memdev=ram1,cpus=2-3'],
    ...['-numa', 'dist,src=0,dst=1,val=21', '-numa', 'dist,src=1,dst=0,val=22'],
  ]);
  assert.equal(args.at(-1), '-S');
});

test('qemuArguments() binds the memory of a machine to one NUMA node of several', () => {
  const memory = { cells: [{ size: 512 * 1024 ** 2, hostNode: 1, vcpus: [0, 1] }] };
  const args = qemuArguments(aSpec({ placement: { memory } }), fds);
  assert.equal(values(args, '-object')[0], 'memory-backend-ram,id=ram,size=512M,host-nodes=1,policy=bind');
  assert.match(values(args, '-machine')[0] ?? '', /,memory-backend=ram$/);
  assert.ok(!args.includes('-numa') && !args.includes('-S'));
});

test('qemuArguments() names the virtual CPUs of a NUMA node one range after the other, and takes one without any', () => {
  const size = 256 * 1024 ** 2;
  const cells = [
    { size, vcpus: [0, 2, 3] },
    { size, vcpus: [1] },
    { size, vcpus: [] },
  ];
  const args = qemuArguments(aSpec({ vcpus: 4, placement: { memory: { cells } } }), fds);
  assert.deepEqual(values(args, '-numa'), [
    'node,nodeid=0,memdev=ram0,cpus=0,cpus=2-3',
    'node,nodeid=1,memdev=ram1,cpus=1',
    'node,nodeid=2,memdev=ram2',
  ]);
});

test('qemuArguments() has room for a second processor where one is translated, which the guest does not count', () => {
  const args = qemuArguments(aSpec({ vcpus: 1 }), fds);
  assert.deepEqual(values(args, '-smp'), ['1,sockets=2,maxcpus=2']);
  assert.match(values(args, '-append')[0] ?? '', / nr_cpus=1$/);
  const virtualized = qemuArguments(aSpec({ vcpus: 1, accelerator: 'kvm' }), fds);
  assert.deepEqual(values(virtualized, '-smp'), ['1']);
  assert.doesNotMatch(values(virtualized, '-append')[0] ?? '', /nr_cpus/);
});

test('qemuArguments() gives the empty socket to the NUMA node of the one virtual CPU', () => {
  const size = 256 * 1024 ** 2;
  const cells = [
    { size, vcpus: [] },
    { size, vcpus: [0] },
  ];
  const args = qemuArguments(aSpec({ vcpus: 1, placement: { memory: { cells } } }), fds);
  assert.deepEqual(values(args, '-numa'), ['node,nodeid=0,memdev=ram0', 'node,nodeid=1,memdev=ram1,cpus=0-1']);
});

test('qemuArguments() of a machine with cores alone is the same whether they were planned or not', () => {
  const topology = { sockets: 1, dies: 1, cores: 2, threads: 1 };
  assert.deepEqual(qemuArguments(aSpec({ placement: { topology } }), fds), qemuArguments(aSpec(), fds));
});

test('qemuArguments() has threads shown on processors of AMD, and leaves others as they are', () => {
  const topology = { sockets: 1, dies: 1, cores: 1, threads: 2 };
  const model = (hostVendor: string) =>
    values(qemuArguments(aSpec({ accelerator: 'kvm', placement: { topology, hostVendor } }), fds), '-cpu')[0];
  assert.equal(model('AuthenticAMD'), 'host,+topoext');
  assert.equal(model('GenuineIntel'), 'host');
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

test('qemuArguments() gives a data disk by its open file, and flushes only what is to stay', () => {
  const lines = (keeps: boolean, format: 'raw' | 'qcow2') => {
    const args = qemuArguments(aSpec({ data: { fd: 6, format, keeps } }), fds);
    return [values(args, '-add-fd'), values(args, '-blockdev'), values(args, '-device').slice(-1)];
  };
  const file = 'file.driver=file,file.filename=/dev/fdset/2,file.locking=on';
  assert.deepEqual(lines(true, 'qcow2'), [
    ['fd=6,set=2'],
    [`driver=qcow2,node-name=data,discard=unmap,${file}`],
    ['virtio-blk-pci,drive=data,serial=vtorque-data'],
  ]);
  assert.deepEqual(lines(false, 'raw')[1], [`driver=raw,node-name=data,discard=unmap,cache.no-flush=on,${file}`]);
});

test('qemuArguments() keeps what a guest changes in an overlay in memory, of a size', () => {
  const disk = { path: '/i/a,b.qcow2', format: 'qcow2', overlay: { fd: 6, room: 2 ** 30 } } as const;
  const args = qemuArguments(aSpec({ disk, data: { fd: 7, format: 'raw', keeps: true } }), fds);
  assert.deepEqual(values(args, '-drive'), []);
  assert.deepEqual(values(args, '-add-fd'), ['fd=6,set=1', 'fd=7,set=2']);
  assert.deepEqual(values(args, '-blockdev').slice(0, 3), [
    'driver=qcow2,node-name=base,read-only=on,file.driver=file,file.filename=/i/a,,b.qcow2',
    'driver=raw,node-name=room,size=1073741824,file.driver=file,file.filename=/dev/fdset/1',
    'driver=qcow2,node-name=root,file=room,backing=base,discard=unmap,cache.no-flush=on',
  ]);
  const devices = values(args, '-device').filter((device) => device.startsWith('virtio-blk-pci'));
  assert.deepEqual(devices, ['virtio-blk-pci,drive=root', 'virtio-blk-pci,drive=data,serial=vtorque-data']);
});
