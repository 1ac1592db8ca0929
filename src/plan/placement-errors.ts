import { formatRanges, formatSize, MiB, plural, VtorqueError } from '../base/index.ts';
import type { PlacedVm, Placement, PlacementOptions } from './placement.ts';

/** What came of placing VMs on cores of their own. */
export interface Fits {
  /** None when it did not fit. */
  readonly placements?: Placement[];
  /** How many virtual CPUs can be pinned. */
  readonly room: number;
}

/**
 * Why VMs cannot be pinned.
 * @returns the error, and its state alone for who goes on without
 */
export function doesNotFit(
  vms: readonly PlacedVm[],
  { room }: Fits,
  { smt, hostCores, node, taken = [] }: PlacementOptions,
): { error: VtorqueError; state: string } {
  const needed = vms.reduce((sum, { vcpus }) => sum + vcpus, 0);
  const each = Math.floor(room / vms.length);
  const unit = smt === 'cores' ? 'core' : 'CPU';
  const kept =
    hostCores === 0 ? '' : `; ${plural(hostCores, 'core')} of the node ${isOrAre(hostCores)} kept for itself`;
  const busy = taken.length === 0 ? '' : `; VMs of other jobs have ${plural(taken.length, 'CPU')}`;
  const short = needed - room;
  const state =
    short > 0
      ? `the job may use ${plural(room, unit)} of node "${node}" for its ${plural(needed, 'virtual CPU')}${kept}${busy}`
      : `the NUMA nodes of node "${node}" that the job may use have too little free memory`;
  const changes = [
    ...(short > 0 ? [`${plural(short, 'more slot')}`] : ['less ram']),
    ...(short > 0 && each > 0 ? [`vcpus=${each}`] : []),
  ];
  const hint = `Ask for ${changes.join(', for ')}, or for vcpu_pinning=false`;
  return { state, error: new VtorqueError('E_PINNING', `Cannot pin virtual CPUs: ${state}`, { hint, phase: 'plan' }) };
}

/** A file that names cores has named some whose NUMA nodes cannot hold the VM. */
export function tooLittleNear(vm: PlacedVm, nodes: readonly number[], { node }: PlacementOptions): VtorqueError {
  const where = `NUMA node${nodes.length === 1 ? '' : 's'} ${formatRanges(nodes)}`;
  return new VtorqueError(
    'E_PINNING',
    `Cannot pin VM "${vm.name}" on node "${node}": ${where} of its CPUs cannot hold its ${formatSize(vm.ram)} of memory`,
    { hint: 'Name CPUs of further NUMA nodes, or ask for less ram', phase: 'plan' },
  );
}

interface Memory {
  /** Bytes, with what QEMU needs. */
  readonly needed: number;
  /** Bytes that QEMU needs. */
  readonly own: number;
  /** Bytes for changes to images. */
  readonly ramdisk: number;
  readonly room: number;
  /** The batch system has set a limit that is less than what is there. */
  readonly limited: boolean;
}

export function tooMuchMemory(
  vms: readonly PlacedVm[],
  { node, hostRam, hugePages }: PlacementOptions,
  { needed, own, ramdisk, room, limited }: Memory,
): VtorqueError {
  const what = vms.length === 1 ? 'the VM' : `${vms.length} VMs`;
  const each = Math.floor((room - own - ramdisk) / vms.length / MiB);
  const inRam = ramdisk === 0 ? '' : ` and ${inMiB(ramdisk)} for fs_type=ramdisk`;
  const kept = hostRam === 0 || limited ? '' : `, ${inMiB(hostRam)} of them kept for the node itself`;
  const there = limited ? `the job may have ${inMiB(room)}` : `there are ${inMiB(room + hostRam)}${kept}`;
  const ram = each > 0 && !hugePages ? `ram=${each}M` : undefined;
  const mem = limited ? `-l mem=${Math.ceil(needed / MiB)}mb` : undefined;
  return new VtorqueError(
    'E_NODE_MEMORY',
    `Cannot hold ${what} on node "${node}": ${inMiB(needed)} are needed, with ${inMiB(own)} for QEMU itself${inRam}, and ${there}`,
    {
      hint: `Ask for ${[mem, ram].filter((each) => each !== undefined).join(', or for ') || 'fewer VMs on a node'}`,
      phase: 'plan',
    },
  );
}

export function noHugePages(
  vms: readonly PlacedVm[],
  { node }: PlacementOptions,
  { size, wanted, free }: { readonly size: number; readonly wanted: number; readonly free: number },
): VtorqueError {
  const there = free === 0 ? 'none are free' : `${free} ${isOrAre(free)} free`;
  const what = vms.length === 1 ? 'the VM needs' : `${vms.length} VMs need`;
  return new VtorqueError(
    'E_HUGE_PAGES',
    `Cannot use hugepages=true on node "${node}": ${what} ${wanted} free huge pages of ${formatSize(size)}, and ${there}`,
    {
      hint: 'Ask for hugepages=false, or have the admin reserve huge pages on the node (docs/placement.md)',
      phase: 'plan',
    },
  );
}

function inMiB(bytes: number): string {
  return `${(bytes / MiB).toFixed(0)} MiB`;
}

function isOrAre(n: number): string {
  return n === 1 ? 'is' : 'are';
}
