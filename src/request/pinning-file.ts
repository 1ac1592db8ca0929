import { VtorqueError } from '../base/index.ts';

/** One virtual CPU and where it is to run. */
export interface PinnedCpu {
  /** Which VM of each node, from 1: the number at the end of its name. */
  readonly vm: number;
  /** From 0. */
  readonly vcpu: number;
  /** Logical CPU of the node, by the kernel's number. */
  readonly cpu: number;
}

/** A file that says where virtual CPUs run. */
export interface PinningFile {
  readonly file: string;
  /** What stands in it, by VM and virtual CPU; not there before the file was read. */
  readonly cpus?: readonly PinnedCpu[];
}

/** Larger files are something else. */
export const maxPinningFileBytes = 1_000_000;

/**
 * Read the lines `VM VCPU CPU` of a file. Empty lines and what follows a `#` count for nothing.
 * @param file its name, for errors
 * @throws VtorqueError `E_PINNING_FILE`
 */
export function parsePinningFile(file: string, text: string): PinningFile {
  const vcpus = new Set<string>();
  const taken = new Map<number, number>();
  const cpus = text.split('\n').flatMap((line, index): PinnedCpu[] => {
    const words = line.replace(/#.*/, '').trim();
    if (words === '') return [];
    const at = index + 1;
    const [, vm, vcpu, cpu] = /^(\d{1,6})\s+(\d{1,6})\s+(\d{1,6})$/.exec(words) ?? [];
    if (vm === undefined || Number(vm) < 1) {
      throw refuse(
        file,
        `line ${at} is "${words}"`,
        'Write three numbers on a line: VM from 1, virtual CPU from 0, CPU of the node',
      );
    }
    const pinned = { vm: Number(vm), vcpu: Number(vcpu), cpu: Number(cpu) };
    const name = `${pinned.vm} ${pinned.vcpu}`;
    if (vcpus.has(name)) {
      throw refuse(file, `line ${at} names virtual CPU ${vcpu} of VM ${vm} again`, 'Name each virtual CPU once');
    }
    const before = taken.get(pinned.cpu);
    if (before !== undefined) {
      throw refuse(file, `line ${at} names CPU ${cpu}, which line ${before} has`, 'Name each CPU of the node once');
    }
    vcpus.add(name);
    taken.set(pinned.cpu, at);
    return [pinned];
  });
  if (cpus.length === 0) throw refuse(file, 'nothing stands in it', 'Write lines "VM VCPU CPU", for instance "1 0 2"');
  return { file, cpus: cpus.sort((a, b) => a.vm - b.vm || a.vcpu - b.vcpu) };
}

/**
 * Refuse a file that does not fit the VMs: each virtual CPU of each VM must be there, and nothing else.
 * @throws VtorqueError `E_PINNING_FILE`
 */
export function checkPinningFile({ file, cpus = [] }: PinningFile, vms: number, vcpus: number): void {
  const named = new Set(cpus.map(({ vm, vcpu }) => `${vm} ${vcpu}`));
  for (let vm = 1; vm <= vms; vm++) {
    for (let vcpu = 0; vcpu < vcpus; vcpu++) {
      if (named.has(`${vm} ${vcpu}`)) continue;
      throw refuse(
        file,
        `virtual CPU ${vcpu} of VM ${vm} is missing`,
        `Add a line "${vm} ${vcpu} CPU", or ask for what the file has`,
      );
    }
  }
  const more = cpus.find(({ vm, vcpu }) => vm > vms || vcpu >= vcpus);
  if (more === undefined) return;
  const state = `it has virtual CPU ${more.vcpu} of VM ${more.vm}, and a node has ${vms === 1 ? 'one VM' : `${vms} VMs`} with ${vcpus} virtual CPUs`;
  throw refuse(file, state, 'Remove the line, or ask for as many');
}

function refuse(file: string, state: string, hint: string): VtorqueError {
  return new VtorqueError('E_PINNING_FILE', `Cannot use vcpu_pinning="${file}": ${state}`, { hint, phase: 'check' });
}
