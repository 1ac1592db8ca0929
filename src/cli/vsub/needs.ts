import { formatSize, GiB, MiB, plural, VtorqueError } from '../../base/index.ts';
import { type EffectiveOptions, parseMem } from '../../pbs/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { SiteConfig } from '../../site/config/index.ts';
import { requestedNodes, type Slots } from './checks.ts';
import { type NodeLoad, nodeLoad, smallerLoad } from './node-load.ts';
import { requestedLayout, selectNeeds } from './select-needs.ts';

/** What the site says about requests to the batch system. */
export interface SubmitSettings {
  readonly hostCores: number;
  /** Bytes. */
  readonly hostRam: number;
  /** Bytes that the changes of a VM to its image may take in memory. */
  readonly ramdisk: number;
  readonly undersized: 'refuse' | 'raise';
  readonly nodeAccess: string;
}

/** Words for qsub that the user did not write. */
export interface Added {
  readonly words: readonly [option: string, value: string];
  readonly reason: string;
  /** They take the place of something that the user wrote, so they must stand behind it. */
  readonly replaces?: string;
}

export function submitSettings(config: SiteConfig | undefined, queue: string | undefined): SubmitSettings {
  return {
    hostCores: config?.value('submit.host_cores', { queue }) ?? 0,
    hostRam: config?.value('submit.host_ram', { queue }) ?? 0,
    ramdisk: config?.value('storage.ramdisk') ?? GiB,
    undersized: config?.value('submit.undersized', { queue }) ?? 'refuse',
    nodeAccess: config?.value('submit.node_access', { queue }) ?? '',
  };
}

/**
 * What the job must ask of the batch system because of its VM.
 * @throws VtorqueError `E_VCPUS_SLOTS`, `E_RAM_MEM` for a job that asks for less than its VM needs, where the site refuses that
 */
export function needsOf(
  request: VmRequest,
  slots: Slots,
  options: EffectiveOptions,
  settings: SubmitSettings,
): Added[] {
  const access = settings.nodeAccess !== '' && !options.resources.has('naccesspolicy');
  const policy: Added[] = access
    ? [{ words: ['-l', `naccesspolicy=${settings.nodeAccess}`], reason: "the site's access to nodes for jobs in VMs" }]
    : [];
  const layout = requestedLayout(options);
  const isOpenPbs = layout !== undefined || options.resources.has('place');
  const load = nodeLoad(request, settings);
  if (isOpenPbs) return [...selectNeeds(load, layout, options, settings), ...policy];
  return [...slotNeeds(load, slots, options, settings), ...memoryNeeds(load, options, settings), ...policy];
}

function slotNeeds(load: NodeLoad, slots: Slots, options: EffectiveOptions, settings: SubmitSettings): Added[] {
  const { vcpus, vcpusAsked } = load;
  const { hostCores, undersized } = settings;
  const needed = vcpus + hostCores;
  const reserve = hostCores === 0 ? '' : ` and ${plural(hostCores, 'slot')} for the node itself`;
  const reason = `${plural(vcpus, 'virtual CPU')}${reserve}`;
  if (slots === undefined) return needed > 1 ? [{ words: ['-l', `nodes=1:ppn=${needed}`], reason }] : [];
  if (needed <= slots) return [];
  const name = ['nodes', 'ncpus', 'procs'].find((each) => options.resources.has(each)) ?? 'nodes';
  const asked = options.resources.get(name) ?? '';
  if (undersized === 'raise') {
    const raised = name === 'nodes' ? withPpn(asked, needed) : String(needed);
    return [{ words: ['-l', `${name}=${raised}`], reason, replaces: `${name}=${asked}` }];
  }
  const fewer = smallerLoad(slots - hostCores, load);
  const where = requestedNodes(options) === 1 ? 'on the node' : 'on a node';
  throw new VtorqueError(
    'E_VCPUS_SLOTS',
    `Cannot use ${vcpusAsked} with -l ${name}=${asked}: ${plural(slots, 'slot')} ${where}${hostCores === 0 ? '' : `, and ${hostCores} of them for the node itself`}`,
    {
      hint: `Ask for as many slots, -l ${name === 'nodes' ? `nodes=${withPpn(asked, needed)}` : `nodes=1:ppn=${needed}`}${fewer === undefined ? '' : `, or for ${fewer}`}`,
      phase: 'check',
    },
  );
}

/** A request for nodes with at least so many slots on each. */
function withPpn(nodes: string, ppn: number): string {
  return nodes
    .split('+')
    .map((part) => {
      const asked = /(?:^|:)ppn=(\d+)/.exec(part)?.[1];
      if (asked === undefined) return ppn === 1 ? part : part.replace(/^[^:#]+/, `$&:ppn=${ppn}`);
      return Number(asked) >= ppn ? part : part.replace(/(^|:)ppn=\d+/, `$1ppn=${ppn}`);
    })
    .join('+');
}

function memoryNeeds(
  { ram, ramdisk, own, ramAsked, vms }: NodeLoad,
  options: EffectiveOptions,
  { hostRam, undersized }: SubmitSettings,
): Added[] {
  const asked = options.resources.get('mem');
  // An empty value asks for nothing.
  if (!asked) return [];
  // mem= is what the job may take on all its nodes together.
  const nodes = requestedNodes(options);
  const needed = (ram + ramdisk + own + hostRam) * nodes;
  if (parseMem(asked) >= needed) return [];
  const inRam = ramdisk === 0 ? '' : `, ${formatSize(ramdisk)} for fs_type=ramdisk`;
  const reserve = hostRam === 0 ? '' : `, ${formatSize(hostRam)} for the node itself`;
  const qemu = ` and ${formatSize(own)} for QEMU`;
  const reason = `${formatSize(ram)} of the ${vms === 1 ? 'VM' : 'VMs'}${inRam}${reserve}${qemu}${nodes === 1 ? '' : ` on each of ${nodes} nodes`}`;
  const mem = `${Math.ceil(needed / MiB)}mb`;
  if (undersized === 'raise') return [{ words: ['-l', `mem=${mem}`], reason, replaces: `mem=${asked}` }];
  throw new VtorqueError('E_RAM_MEM', `Cannot use ${ramAsked} with -l mem=${asked}: less than ${reason}`, {
    hint: `Ask for -l mem=${mem}, or for less ram`,
    phase: 'check',
  });
}

/** qsub's words with what was added: in front, so that nothing of the user's is changed, or behind what it replaces. */
export function withAdded(
  argv: readonly string[],
  added: readonly Added[],
  { script, endOfOptions }: { readonly script?: number | undefined; readonly endOfOptions?: number | undefined },
): { argv: string[]; script: number | undefined } {
  const front = added.filter(({ replaces }) => replaces === undefined).flatMap(({ words }) => words);
  const behind = added.filter(({ replaces }) => replaces !== undefined).flatMap(({ words }) => words);
  const end = endOfOptions ?? argv.length;
  const shift = front.length + (script !== undefined && script >= end ? behind.length : 0);
  return {
    argv: [...front, ...argv.slice(0, end), ...behind, ...argv.slice(end)],
    script: script === undefined ? undefined : script + shift,
  };
}
