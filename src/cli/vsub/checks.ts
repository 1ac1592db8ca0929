import { type Env, formatSize, MiB, plural, VtorqueError } from '../../base/index.ts';
import type { BatchNode } from '../../engine/index.ts';
import { type EffectiveOptions, nodeCount, parseNodes, qsubError, qsubUsageError } from '../../pbs/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { SubmitSettings } from './needs.ts';
import { nodeLoad, smallerLoad } from './node-load.ts';
import { requestedLayout } from './select-needs.ts';

/** Slots that a job asks for on each of its nodes; undefined when it asks for none. */
export type Slots = number | undefined;

function refuse(code: string, message: string, hint: string): VtorqueError {
  return new VtorqueError(code, message, { hint, phase: 'check' });
}

/** Refuse kinds of jobs that this version cannot run in a VM, and what qsub would refuse. */
export function checkJobKind(options: EffectiveOptions, { DISPLAY }: Env): void {
  if (options.value('L') !== undefined) throw jobKindError('a job with -L', 'Use -l nodes=1:ppn=SLOTS instead');
  if (options.has('X') && !DISPLAY) throw qsubUsageError('qsub: DISPLAY not set');
  if (options.interactive && options.value('t') !== undefined) {
    throw qsubError('qsub: interactive job can not be job array.', 2);
  }
  if (options.has('x') && !options.interactive) throw qsubUsageError("qsub: '-x' invalid on non-interactive job");
}

function jobKindError(kind: string, hint: string): VtorqueError {
  return refuse('E_JOB_KIND_UNAVAILABLE', `Cannot run ${kind} in a VM: not available in this version`, hint);
}

/** How many nodes a job asks for. */
export function requestedNodes(options: EffectiveOptions): number {
  const layout = requestedLayout(options);
  if (layout !== undefined) return layout.nodes;
  const nodes = options.resources.get('nodes');
  return nodes === undefined ? 1 : nodeCount(parseNodes(nodes));
}

/**
 * How many slots the job asks for on each of its nodes: where they differ, on those with the fewest.
 * @throws VtorqueError `E_NODES_UNAVAILABLE` for a job that leaves it open on how many nodes it is
 */
export function requestedSlots(options: EffectiveOptions): Slots {
  const { resources } = options;
  const layout = requestedLayout(options);
  if (layout !== undefined) return layout.slots;
  const nodes = resources.get('nodes');
  if (nodes !== undefined) return Math.min(...parseNodes(nodes).map(({ ppn }) => ppn));
  const procs = resources.get('procs');
  if (procs !== undefined && Number(procs) > 1) {
    throw refuse(
      'E_NODES_UNAVAILABLE',
      `Cannot use procs=${procs} with -vm: the slots may be spread over nodes in any way, which is not available in this version`,
      `Say on how many nodes: -l nodes=1:ppn=${procs}, or with several nodes of fewer slots`,
    );
  }
  const slots = Number(resources.get('ncpus') ?? procs);
  return Number.isSafeInteger(slots) && slots > 0 ? slots : undefined;
}

/**
 * Refuse VMs that fit on no node, or on fewer than the job asks for.
 * @param nodes undefined when the batch system does not tell: nothing is refused
 * @param count of nodes that the job asks for
 * @param settings slots that a job must have besides its virtual CPUs, and memory for what a VM changes in its image
 */
export function checkNodes(
  request: VmRequest,
  nodes: readonly BatchNode[] | undefined,
  count = 1,
  { hostCores: reserve = 0, ramdisk = 0 }: Partial<Pick<SubmitSettings, 'hostCores' | 'ramdisk'>> = {},
): void {
  if (nodes === undefined || nodes.length === 0) return;
  const load = nodeLoad(request, { ramdisk });
  const ram = load.ram + load.ramdisk;
  const more = load.ramdisk === 0 ? '' : ` and ${formatSize(load.ramdisk)} for fs_type=ramdisk`;
  const [vcpusAsked, ramAsked] = [load.vcpusAsked, load.ramAsked + more];
  const slots = load.vcpus + reserve;
  const bySlots = nodes.reduce((best, node) => (node.np > best.np ? node : best));
  const byMemory = nodes.reduce((best, node) => (node.memory > best.memory ? node : best));
  if (slots > bySlots.np) {
    const own = reserve === 0 ? '' : `, of which ${reserve} for the node itself`;
    const most = smallerLoad(bySlots.np - reserve, load);
    throw refuse(
      'E_VCPUS_TOO_MANY',
      `Cannot use ${vcpusAsked}: the largest node, "${bySlots.name}", has ${plural(bySlots.np, 'slot')}${own}`,
      most === undefined ? 'No node has more slots than it needs itself: tell the admin' : `Ask for at most ${most}`,
    );
  }
  if (ram > byMemory.memory) {
    const all = formatSize(floorTo(byMemory.memory, MiB));
    const most = formatSize(floorTo(Math.max(0, byMemory.memory - load.ramdisk) / load.vms, MiB));
    throw refuse(
      'E_RAM_TOO_LARGE',
      `Cannot use ${ramAsked}: the node with the most memory, "${byMemory.name}", has ${all}`,
      `Ask for less than ram=${most}; the node's own system needs memory, too`,
    );
  }
  const fitting = nodes.filter((node) => slots <= node.np && ram <= node.memory).length;
  if (fitting === 0) {
    throw refuse(
      'E_VM_TOO_LARGE',
      `Cannot use ${vcpusAsked} with ram=${formatSize(request.ram)}${more}: no node has both`,
      'Ask for fewer vcpus or less ram',
    );
  }
  if (fitting < count) {
    throw refuse(
      'E_NODES_TOO_FEW',
      `Cannot use ${vcpusAsked} with ram=${formatSize(request.ram)}${more} on ${count} nodes: only ${plural(fitting, 'node')} can hold ${load.vms === 1 ? 'such a VM' : 'such VMs'}`,
      fitting < nodes.length ? 'Ask for fewer nodes, fewer vcpus or less ram' : 'Ask for fewer nodes',
    );
  }
}

function floorTo(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}
