import { diskArguments } from './disks.ts';
import { hasEmptySocket } from './empty-socket.ts';
import { memory, ownMemory } from './memory-line.ts';
import { quote } from './quote.ts';
import { agentPortName, type ShareDevice, type VmDescriptors, type VmSpec } from './spec.ts';

/** Under these a guest that takes over QEMU can start no program, gain no privilege and touch no other process. */
const sandbox = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny';

/** A q35 without the devices that a batch job never uses; each costs start-up time. */
const machine = 'q35,smbus=off,sata=off,usb=off,vmport=off,i8042=off';

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
  // Devices that come while it runs are looked for when the agent is told to, and not by what ACPI says of each besides.
  'acpi_mask_gpe=0x01',
  // Nobody loads a policy into these guests: the modules that would ask for one at each call stay out, those that programs turn to are there.
  'lsm=landlock,yama',
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
    ...[
      '-machine',
      ownMemory(spec) ? `${machine},memory-backend=ram` : machine,
      '-accel',
      spec.accelerator === 'kvm' ? 'kvm' : 'tcg,thread=multi',
    ],
    ...['-cpu', processor(spec), '-smp', topology(spec)],
    ...memory(spec),
    ...directBoot(spec),
    ...socket('qmp', fds.qmp),
    ...['-mon', 'chardev=qmp,mode=control'],
    ...socket('console', fds.console),
    ...['-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci,id=serial,max_ports=2'],
    ...socket('agent', fds.agent),
    ...['-device', `virtserialport,bus=serial.0,nr=1,chardev=agent,name=${agentPortName}`],
    ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
    ...diskArguments(spec),
    ...spec.shares.flatMap(share),
    ...network(spec),
    // Its threads are bound to their CPUs before the guest touches its memory.
    ...(spec.placement?.pins === undefined ? [] : ['-S']),
  ];
}

/** Without a model, or with "host", all that the accelerator has: QEMU itself knows "host" with KVM only. */
function processor({ cpu = 'host', accelerator, placement }: VmSpec): string {
  if (cpu === 'host') return cpuModel[accelerator] + (hidesThreads(accelerator, placement) ? ',+topoext' : '');
  return accelerator === 'tcg' ? `${cpu},-erms` : cpu;
}

/** On processors of AMD threads in a core are told of by a feature that QEMU leaves out of "host" unless told. */
function hidesThreads(accelerator: VmSpec['accelerator'], placement: VmSpec['placement']): boolean {
  const amd = accelerator === 'kvm' && placement?.hostVendor === 'AuthenticAMD';
  return amd && (placement?.topology?.threads ?? 1) > 1;
}

function topology(spec: VmSpec): string {
  const { vcpus, placement } = spec;
  if (hasEmptySocket(spec)) return '1,sockets=2,maxcpus=2';
  if (placement?.topology === undefined) return String(vcpus);
  const { sockets, dies, cores, threads } = placement.topology;
  // The usual one is written as if it were not asked for, so that machines that are the same can start from the same template.
  if (sockets === 1 && dies === 1 && threads === 1) return String(vcpus);
  return `${vcpus},sockets=${sockets},dies=${dies},cores=${cores},threads=${threads}`;
}

function directBoot(spec: VmSpec): string[] {
  const { boot } = spec;
  if (boot.kind !== 'direct') return [];
  // The empty socket is nothing for programs to count.
  const parameters = hasEmptySocket(spec) ? `${kernelParameters} nr_cpus=1` : kernelParameters;
  return ['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', parameters];
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

function network({ network: device }: VmSpec): string[] {
  if (device === undefined) return [];
  const nic = `virtio-net-pci,netdev=net0,mac=${device.mac},romfile=`;
  if (device.kind === 'user') return ['-netdev', 'user,id=net0,ipv6=off', '-device', nic];
  const { fds, vhost, mtu } = device;
  const taps = fds.length === 1 ? `fd=${fds[0]}` : `fds=${fds.join(':')}`;
  // A pair of queues has two vectors; there are two more for the configuration and the control queue.
  const queues = fds.length === 1 ? '' : `,mq=on,vectors=${2 * fds.length + 2}`;
  return [
    ...['-netdev', `tap,id=net0,${taps}${vhost ? ',vhost=on' : ''}`],
    ...['-device', `${nic},host_mtu=${mtu}${queues}`],
  ];
}
