import { cpuModel } from './cpu-models.ts';
import { file, type MountRequest, minutes, mountPair, type VariableRequest, variable } from './further-values.ts';
import { count, either, oneOf, size, text, type ValueType, yesOrNo } from './values.ts';

/** One key of the `-vm` language. */
export interface KeySpec {
  readonly name: string;
  readonly type: ValueType<unknown>;
  /** What it is without a request, in words. */
  readonly default: string;
  readonly doc: string;
  /** Keys of features that are still to come are known and checked, but refused. */
  readonly availability: 'now' | 'not in this version';
  /** Of a key whose feature is still to come: whether a value asks for nothing but what holds anyway. */
  readonly holds?: (value: unknown) => boolean;
  /** Of a key that may be given several times: what tells one from another. Those of one name replace each other. */
  readonly several?: (value: never) => string;
}

type Row = readonly [name: string, type: ValueType<unknown>, fallback: string, doc: string];

const now = ([name, type, fallback, doc]: Row, more: Pick<KeySpec, 'several'> = {}): KeySpec => ({
  name,
  type,
  default: fallback,
  doc,
  availability: 'now',
  ...more,
});

const later = ([name, type, fallback, doc]: Row, ...held: readonly unknown[]): KeySpec => ({
  name,
  type,
  default: fallback,
  doc,
  availability: 'not in this version',
  ...(held.length === 0 ? {} : { holds: (value: unknown) => held.includes(value) }),
});

const distros = ['debian', 'ubuntu', 'redhat', 'centos', 'osv'] as const;
const severalMounts = ({ guest }: MountRequest): string => guest;
const severalVariables = ({ name }: VariableRequest): string => name;

/**
 * Every key there is, in the order of the help. To make a key available when its feature is there, say `now` instead
 * of `later`; the values behind `later` are those that ask for nothing new, which are taken already.
 */
export const vmKeys: readonly KeySpec[] = [
  now(['img', text('IMAGE'), 'host', 'guest system: host is that of the node, others are images']),
  now(['vcpus', count(), 'ppn, or 1', 'virtual CPUs']),
  now(['ram', size('128M'), '1G', 'memory: digits and K, M, G or T']),
  now(['cpu', cpuModel(), 'host', 'processor model that the guest sees, by its name in QEMU']),
  now(['net', oneOf('user', 'none'), 'user', 'network: outbound connections as you, or none']),
  now(['env', variable(), 'none', 'variable for the script; may be repeated'], { several: severalVariables }),
  now(['mount', mountPair(), 'none', 'further folder of the node; may be repeated'], { several: severalMounts }),
  now(['distro', { ...oneOf(...distros), syntax: 'NAME' }, "the image's", 'distribution that the guest must be']),
  now(['keep', minutes(), '0', 'minutes that the VM stays after the script, to look at it']),
  now(['kernel', file(), "the image's", 'kernel to boot, of your own']),
  later(['arch', oneOf('x86_64', 'aarch64'), "the node's", 'processor architecture of the guest'], 'x86_64'),
  later(['vms_per_node', count(), '1', 'VMs on each node'], 1),
  later(['vcpu_pinning', either(yesOrNo(), text('auto|FILE')), 'false', 'bind virtual CPUs to cores'], false),
  later(['hugepages', yesOrNo(), 'false', 'memory from huge pages'], false),
  later(['disk', either(size('1M'), file('.img', '.qcow2', '.raw')), 'none', 'further disk: a size or a file']),
  later(['fs_type', oneOf('sharedfs', 'ramdisk'), 'sharedfs', 'where the image is kept on the node'], 'sharedfs'),
  later(['ssh', yesOrNo(), 'false', 'let the user log in to the VMs of his job'], false),
  later(['vm_prologue', file(), 'none', 'script to run as root in the guest before the job']),
  later(['vm_epilogue', file(), 'none', 'script to run as root in the guest after the job']),
  later(['metadata', file('.yaml', '.yml'), 'none', 'cloud-init meta data']),
  later(['warm', oneOf('auto', 'off'), 'off', 'start from a template where there is one'], 'auto', 'off'),
  later(['vrdma', yesOrNo(), 'false', 'RDMA between the VMs'], false),
  later(['unclot', yesOrNo(), 'false', 'shared memory between the VMs of one host'], false),
  later(['unclot_shmem', size('1M'), '1024M', 'how much of it']),
  later(['iocm', yesOrNo(), 'false', 'cores for virtual I/O'], false),
  later(['iocm_min_cores', count(), '1', 'at least so many']),
  later(['iocm_max_cores', count(), '4', 'at most so many']),
];

export const availableKeys: readonly KeySpec[] = vmKeys.filter((spec) => spec.availability === 'now');

/** The key of that name in any case. */
export function findKey(name: string): KeySpec | undefined {
  return vmKeys.find((spec) => spec.name === name.toLowerCase());
}
