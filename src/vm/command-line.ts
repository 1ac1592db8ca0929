import { agentPortName, guestMac, type ShareDevice, type VmDescriptors, type VmSpec } from './spec.ts';

const MiB = 1024 ** 2;

/** Under these a guest that takes over QEMU can start no program, gain no privilege and touch no other process. */
const sandbox = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';

/** A q35 without the devices that a batch job never uses; each costs start-up time. */
const machine = 'q35,smbus=off,sata=off,usb=off,vmport=off,i8042=off,memory-backend=ram';

const cpuModel: Readonly<Record<VmSpec['accelerator'], string>> = {
  kvm: 'host',
  // With ERMS guests copy by REP MOVSB, which the translator does byte by byte: without it they boot in 3.4 s instead
  // of 5.5 s and write twice as fast through virtio-serial (QEMU 7.2, Linux 6.1, two runs in turn).
  tcg: 'max,-erms',
};

/**
 * Kernel parameters of every guest: a quiet serial console that still shows panics, and a panic ends the machine at
 * once (with QEMU's -no-reboot) instead of looping.
 */
const kernelParameters = [
  'console=ttyS0',
  'quiet',
  'panic=-1',
  'net.ifnames=0',
  'random.trust_cpu=on',
  'cryptomgr.notests',
  'no_timer_check',
  '8250.nr_uarts=1',
].join(' ');

/**
 * The QEMU command line of one machine, without the program name.
 * Pure: the same spec and descriptors give the same line, which the golden tests hold fixed.
 */
export function qemuArguments(spec: VmSpec, fds: VmDescriptors): string[] {
  const socket = (id: string, fd: number): string[] => ['-chardev', `socket,id=${id},fd=${fd}`];
  return [
    ...['-name', `guest=${quote(spec.name)},debug-threads=on`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-sandbox', sandbox],
    ...['-machine', machine, '-accel', spec.accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi'],
    ...['-cpu', processor(spec), '-smp', String(spec.vcpus)],
    ...['-object', memory(spec), '-m', `${spec.ram / MiB}M`],
    ...directBoot(spec),
    ...socket('qmp', fds.qmp),
    ...['-mon', 'chardev=qmp,mode=control'],
    ...socket('console', fds.console),
    ...['-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci,id=serial'],
    ...socket('agent', fds.agent),
    ...['-device', `virtserialport,bus=serial.0,nr=1,chardev=agent,name=${agentPortName}`],
    ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    ...disk(spec),
    ...spec.shares.flatMap(share),
    ...network(spec),
  ];
}

/** Without a model, or with "host", all that the accelerator has: QEMU itself knows "host" with KVM only. */
function processor({ cpu = 'host', accelerator }: VmSpec): string {
  if (cpu === 'host') return cpuModel[accelerator];
  return accelerator === 'tcg' ? `${cpu},-erms` : cpu;
}

/** virtiofsd maps the guest's memory, so it must be shareable then; private memory otherwise. */
function memory(spec: VmSpec): string {
  const shared = spec.shares.some(({ transport }) => transport === 'virtiofs');
  const size = `size=${spec.ram / MiB}M`;
  return shared ? `memory-backend-memfd,id=ram,${size},share=on` : `memory-backend-ram,id=ram,${size}`;
}

function directBoot({ boot }: VmSpec): string[] {
  return boot.kind === 'direct' ? ['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', kernelParameters] : [];
}

function disk({ disk: root, boot }: VmSpec): string[] {
  if (root === undefined) return [];
  // snapshot=on: QEMU writes to a temporary file that it unlinks while it is open, so it cannot be left behind.
  const drive = `if=none,id=root,file=${quote(root.path)},format=${root.format},snapshot=on,cache=unsafe,discard=unmap`;
  const device = ['-drive', drive, '-device', 'virtio-blk-pci,drive=root'];
  if (boot.kind === 'direct') return device;
  const seed = `if=none,id=seed,file=${quote(boot.seed)},format=raw,readonly=on`;
  return [...device, '-drive', seed, '-device', 'virtio-blk-pci,drive=seed'];
}

function share(device: ShareDevice, index: number): string[] {
  if (device.transport === 'virtiofs') {
    return [
      ...['-chardev', `socket,id=share${index},path=${quote(device.socket)}`],
      ...['-device', `vhost-user-fs-pci,chardev=share${index},tag=${device.tag},queue-size=1024`],
    ];
  }
  const access = device.readonly ? ',readonly=on' : '';
  return [
    '-fsdev',
    `local,id=share${index},path=${quote(device.source)},security_model=none,multidevs=remap${access}`,
    ...['-device', `virtio-9p-pci,fsdev=share${index},mount_tag=${device.tag}`],
  ];
}

function network(spec: VmSpec): string[] {
  if (spec.network === 'none') return [];
  return ['-netdev', 'user,id=net0,ipv6=off', '-device', `virtio-net-pci,netdev=net0,mac=${guestMac},romfile=`];
}

/** In QEMU's option lists a comma inside a value is written twice. */
function quote(value: string): string {
  return value.replaceAll(',', ',,');
}
