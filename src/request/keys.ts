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
}

const later = 'not in this version';

function key(
  name: string,
  type: ValueType<unknown>,
  fallback: string,
  doc: string,
  availability: 'now' | typeof later,
) {
  return { name, type, default: fallback, doc, availability } satisfies KeySpec;
}

/** Every key there is, in the order of the help. */
export const vmKeys: readonly KeySpec[] = [
  key('img', text('IMAGE'), 'host', 'guest system: host is that of the node, others are images', 'now'),
  key('vcpus', count(), 'ppn, or 1', 'virtual CPUs', 'now'),
  key('ram', size('128M'), '1G', 'memory: digits and K, M, G or T', 'now'),
  key('distro', text('NAME'), "the image's", 'distribution of the guest', later),
  key('arch', oneOf('x86_64', 'aarch64'), "the node's", 'processor architecture of the guest', later),
  key('cpu', text('MODEL'), 'host', 'processor model shown to the guest', later),
  key('kernel', text('FILE'), "the image's", 'kernel to boot', later),
  key('vms_per_node', count(), '1', 'VMs on each node', later),
  key('vcpu_pinning', either(yesOrNo(), text('auto|FILE')), 'auto', 'bind virtual CPUs to cores', later),
  key('hugepages', yesOrNo(), 'false', 'memory from huge pages', later),
  key('disk', text('SIZE|FILE'), 'none', 'further disk: a new one of that size, or a file', later),
  key('fs_type', oneOf('sharedfs', 'ramdisk'), 'sharedfs', 'where the image is kept on the node', later),
  key('mount', text('HOST:GUEST[:ro]'), 'none', 'further shared folder', later),
  key('net', text('NAME'), 'the site', 'network of the VMs', later),
  key('ssh', yesOrNo(), 'true', 'let the user log in to the VMs of his job', later),
  key('env', text('NAME=VALUE'), 'none', 'variable for the guest only', later),
  key('vm_prologue', text('FILE'), 'none', 'script to run as root in the guest before the job', later),
  key('vm_epilogue', text('FILE'), 'none', 'script to run as root in the guest after the job', later),
  key('metadata', text('FILE'), 'none', 'cloud-init meta data', later),
  key('warm', oneOf('auto', 'off'), 'auto', 'start from a template', later),
  key('keep', text('MINUTES'), '0', 'keep the VM after the script', later),
  key('vrdma', yesOrNo(), 'false', 'RDMA between the VMs', later),
  key('unclot', yesOrNo(), 'false', 'shared memory between the VMs of one host', later),
  key('unclot_shmem', size('1M'), '1024M', 'how much of it', later),
  key('iocm', yesOrNo(), 'false', 'cores for virtual I/O', later),
  key('iocm_min_cores', count(), '1', 'at least so many', later),
  key('iocm_max_cores', count(), '4', 'at most so many', later),
];

export const availableKeys: readonly KeySpec[] = vmKeys.filter((spec) => spec.availability === 'now');

/** The key of that name in any case. */
export function findKey(name: string): KeySpec | undefined {
  return vmKeys.find((spec) => spec.name === name.toLowerCase());
}
