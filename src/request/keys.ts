import { cpuModel } from './cpu-models.ts';
import { dataDisk } from './disk-value.ts';
import {
  file,
  hookFile,
  type MountRequest,
  minutes,
  mountPair,
  pinning,
  type VariableRequest,
  variable,
} from './further-values.ts';
import { count, oneOf, size, text, type ValueType, yesOrNo } from './values.ts';

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
const byNetwork = 'the VMs of a job reach each other by its network alone';
const ioOfVm = "the VM's input and output run on the cores of the job";
const severalMounts = ({ guest }: MountRequest): string => guest;
const severalVariables = ({ name }: VariableRequest): string => name;

/**
 * Every key there is, in the order of the help. To make a key available when its feature is there, say `now` instead
 * of `later`, and leave out what stands behind the row; the values there are those that ask for nothing new, which are taken already.
 */
export const vmKeys: readonly KeySpec[] = [
  now(['img', text('IMAGE'), 'host', 'guest system: host is that of the node, others are images']),
  now(['vcpus', count(), 'ppn, or 1', 'virtual CPUs of each VM']),
  now(['ram', size('128M'), '1G', 'memory of each VM: digits and K, M, G or T']),
  now(['vms_per_node', count(), '1', 'VMs on each node of the job']),
  now(['cpu', cpuModel(), 'host', 'processor model that the guest sees, by its name in QEMU']),
  now([
    'net',
    oneOf('user', 'job', 'none', 'bridge'),
    'user',
    "network: of the job and outbound as you, of the job, none, or the site's own",
  ]),
  now(['env', variable(), 'none', 'variable for the script; may be repeated'], { several: severalVariables }),
  now(['mount', mountPair(), 'none', 'further folder of the node; may be repeated'], { several: severalMounts }),
  now(['distro', { ...oneOf(...distros), syntax: 'NAME' }, "the image's", 'distribution that the guest must be']),
  now(['keep', minutes(), '0', 'minutes that the VM stays after the script, to look at it']),
  now(['warm', oneOf('auto', 'off'), 'auto', 'start as a clone of a booted guest, or boot']),
  now(['kernel', file(), "the image's", 'kernel to boot, of your own']),
  now([
    'vcpu_pinning',
    pinning(),
    'auto where the job has cores of its own',
    'bind virtual CPUs to cores, or as FILE says',
  ]),
  now(['hugepages', yesOrNo(), 'false', 'memory from huge pages of the node']),
  now(['ssh', yesOrNo(), 'true', 'ssh into the VMs and between them, for MPI, with keys of the job']),
  now(['vm_prologue', hookFile(), 'none', 'your program to run in each VM (:first: the first) before the script']),
  now(['vm_epilogue', hookFile(), 'none', 'your program to run in each VM (:first: the first) after the script']),
  now(['disk', dataDisk(), 'none', 'disk at /data of the first VM: scratch, or a file']),
  now(['fs_type', oneOf('sharedfs', 'ramdisk'), 'sharedfs', 'where changes to the image are kept: disk or memory']),
  later(
    ['arch', oneOf('x86_64', 'aarch64'), "the node's", 'processor architecture of the guest'],
    'guests have the architecture of their node, x86_64',
    'x86_64',
  ),
  later(
    ['metadata', file('.yaml', '.yml'), 'none', 'cloud-init meta data'],
    'what the guest should have belongs in an image of your own (vtorque image build FILE)',
  ),
  later(['vrdma', yesOrNo(), 'false', 'RDMA between the VMs'], byNetwork, false),
  later(['unclot', yesOrNo(), 'false', 'shared memory between the VMs of one host'], byNetwork, false),
  later(['unclot_shmem', size('1M'), '1024M', 'how much of it'], byNetwork),
  later(['iocm', yesOrNo(), 'false', 'cores for virtual I/O'], ioOfVm, false),
  later(['iocm_min_cores', count(), '1', 'at least so many'], ioOfVm),
  later(['iocm_max_cores', count(), '4', 'at most so many'], ioOfVm),
];

export const availableKeys: readonly KeySpec[] = vmKeys.filter((spec) => spec.availability === 'now');

/** The key of that name in any case. */
export function findKey(name: string): KeySpec | undefined {
  return vmKeys.find((spec) => spec.name === name.toLowerCase());
}
