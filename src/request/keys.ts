import { cpuModel } from './cpu-models.ts';
import { file, type MountRequest, minutes, mountPair, type VariableRequest, variable } from './further-values.ts';
import { choose, count, either, oneOf, size, text, type ValueType, yesOrNo } from './values.ts';

/** One key of the `-vm` language. */
export interface KeySpec {
  readonly name: string;
  readonly type: ValueType<unknown>;
  /** What it is without a request, in words. */
  readonly default: string;
  readonly doc: string;
  /** Keys of features that are still to come are known and checked, but refused. */
  readonly availability: 'now' | 'not in this version';
  /** Of a key whose feature is still to come: what holds in this version, or does in its place. Words behind "in this version". */
  readonly meanwhile?: string;
  /** Of such a key: a value that is taken. */
  readonly instead?: string;
  /** Of such a key: whether a value asks for nothing but what holds anyway. */
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

const later = ([name, type, fallback, doc]: Row, meanwhile: string, ...held: readonly unknown[]): KeySpec => ({
  name,
  type,
  default: fallback,
  doc,
  availability: 'not in this version',
  meanwhile,
  ...(held.length === 0 ? {} : { instead: String(held[0]), holds: (value: unknown) => held.includes(value) }),
});

const distros = ['debian', 'ubuntu', 'redhat', 'centos', 'osv'] as const;
const pinning = either(yesOrNo(), either(oneOf('auto'), file()));
const disk = choose(
  (word) => /^[-+.,]?\d[^/]*$/.test(word) && !/\.(img|qcow2|raw)$/.test(word),
  size('1M'),
  file('.img', '.qcow2', '.raw'),
);
const oneVm = 'a job has one VM, which shares nothing with others';
const ioOfVm = "the VM's input and output run on the cores of the job";
const severalMounts = ({ guest }: MountRequest): string => guest;
const severalVariables = ({ name }: VariableRequest): string => name;

/**
 * Every key there is, in the order of the help. To make a key available when its feature is there, say `now` instead
 * of `later`, and leave out what stands behind the row; the values there are those that ask for nothing new, which are taken already.
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
  later(
    ['arch', oneOf('x86_64', 'aarch64'), "the node's", 'processor architecture of the guest'],
    'guests have the architecture of their node, x86_64',
    'x86_64',
  ),
  later(['vms_per_node', count(), '1', 'VMs on each node'], 'a job has one VM; ask for more vcpus in it', 1),
  later(
    ['vcpu_pinning', pinning, 'false', 'bind virtual CPUs to cores'],
    "virtual CPUs run on the cores that the batch system gives the job, as the node's kernel sees fit",
    false,
  ),
  later(['hugepages', yesOrNo(), 'false', 'memory from huge pages'], 'the VM has ordinary memory', false),
  later(
    ['disk', disk, 'none', 'further disk: a size or a file'],
    'a folder of the node can be had in the VM with mount=HOST:GUEST',
  ),
  later(
    ['fs_type', oneOf('sharedfs', 'ramdisk'), 'sharedfs', 'where the image is kept on the node'],
    'images are read where they are, and what the VM changes is in temporary files of the node',
    'sharedfs',
  ),
  later(
    ['ssh', yesOrNo(), 'false', 'let the user log in to the VMs of his job'],
    '"vtorque console JOB" gives a terminal of the VM',
    false,
  ),
  later(
    ['vm_prologue', file(), 'none', 'script to run as root in the guest before the job'],
    'what needs root belongs in an image of your own (vtorque image build FILE)',
  ),
  later(
    ['vm_epilogue', file(), 'none', 'script to run as root in the guest after the job'],
    'let the job script end with what must be done as yourself',
  ),
  later(
    ['metadata', file('.yaml', '.yml'), 'none', 'cloud-init meta data'],
    'what the guest should have belongs in an image of your own (vtorque image build FILE)',
  ),
  later(
    ['warm', oneOf('auto', 'off'), 'off', 'start from a template where there is one'],
    'every VM is booted afresh',
    'auto',
    'off',
  ),
  later(['vrdma', yesOrNo(), 'false', 'RDMA between the VMs'], oneVm, false),
  later(['unclot', yesOrNo(), 'false', 'shared memory between the VMs of one host'], oneVm, false),
  later(['unclot_shmem', size('1M'), '1024M', 'how much of it'], oneVm),
  later(['iocm', yesOrNo(), 'false', 'cores for virtual I/O'], ioOfVm, false),
  later(['iocm_min_cores', count(), '1', 'at least so many'], ioOfVm),
  later(['iocm_max_cores', count(), '4', 'at most so many'], ioOfVm),
];

export const availableKeys: readonly KeySpec[] = vmKeys.filter((spec) => spec.availability === 'now');

/** The key of that name in any case. */
export function findKey(name: string): KeySpec | undefined {
  return vmKeys.find((spec) => spec.name === name.toLowerCase());
}
