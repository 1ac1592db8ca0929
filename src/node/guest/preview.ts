import { VtorqueError } from '../../base/index.ts';
import { type GuestSystem, resolveGuest } from '../../image/index.ts';
import { guestNetwork, macOf, type NetworkPlan, routesInUse } from '../../network/index.ts';
import { type Placement, type PlannedVm, planVms } from '../../plan/index.ts';
import type { VmRequest } from '../../request/index.ts';
import { agentProgram, type Places } from '../../site/index.ts';
import { planShares, type TransportChoice, transportHere } from '../../storage/index.ts';
import {
  type AcceleratorChoice,
  firstFreeDescriptor,
  knownAccelerator,
  type NetworkDevice,
  qemuArguments,
  qemuDescriptors,
  qemuProgram,
  type ShareDevice,
  type VmSpec,
} from '../../vm/index.ts';
import { readNodeFacts } from '../facts/index.ts';
import { trialWith } from './accelerate.ts';
import { existing } from './context.ts';
import { plannedDisks } from './disks.ts';
import { planNetwork } from './network-plan.ts';
import type { NodeSettings } from './node-settings.ts';
import { type PlaceOptions, placementOf } from './place-vms.ts';
import { sitePlaces } from './site-folders.ts';
import { vmSpecOf } from './vm-spec.ts';

export interface PreviewOptions {
  readonly request: VmRequest;
  /** Of the job on its node, if it says so. */
  readonly slots: number | undefined;
  readonly places: readonly Places[];
  /** Directories that the job will name. */
  readonly directories: readonly (string | undefined)[];
  readonly settings: NodeSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly gid: number;
}

/** What the launcher would start if this machine were the job's node. */
export interface MachinePreview {
  readonly guest: GuestSystem;
  readonly spec: VmSpec;
  readonly accelerator: AcceleratorChoice;
  readonly transport: TransportChoice;
  /** Where it would run; or why it would not. */
  readonly placement: string;
  readonly shares: readonly {
    readonly source: string;
    readonly targets: readonly string[];
    readonly readonly: boolean;
  }[];
  /** With the program's name. What only the node knows stands in it in capitals. */
  readonly qemu: readonly string[];
}

/** Stands in for what is known on the node only. */
const NODE = 'NODE';

/**
 * Decide what the launcher would decide, on this machine, and start nothing.
 * @throws VtorqueError as `resolveGuest`
 */
export async function previewMachine(options: PreviewOptions): Promise<MachinePreview> {
  const { request, settings } = options;
  // What root would prepare for it on a node, nobody knows here.
  const facts = { routes: await routesInUse(), site: { taps: 1, mtu: 1500 } };
  const plan = planNetwork(request, 1, [facts], settings);
  const network = plan === undefined ? undefined : plan.site === true ? { mac: macOf(0) } : guestNetwork(plan, 0);
  const guest = await resolveGuest(request.img, {
    ...{ places: options.places, agent: agentProgram, network, kernel: request.kernel },
  });
  const accelerator = await likelyAccelerator(guest, options);
  const transport = await transportHere(options, settings.transport);
  const shares = await likelyShares(options);
  const devices = shares.map(({ source, readonly }, index): ShareDevice => {
    const tag = `share${index}`;
    return (readonly ? transport.readonlyTransport : transport.transport) === '9p'
      ? { transport: '9p', tag, source, readonly }
      : { transport: 'virtiofs', tag, socket: `DIRECTORY/${tag}.sock` };
  });
  const vms = planVms(request, [{ host: NODE }]);
  const [vm] = vms;
  if (vm === undefined) throw new Error('no VM');
  const slots = options.slots ?? vms.length * vm.vcpus;
  const { placement, reason } = likelyPlacement(vms, { request, settings, facts: readNodeFacts(), slots, node: NODE });
  const { accelerator: kind } = accelerator;
  const spec = vmSpecOf({
    vm,
    request,
    guest,
    network: previewTap(plan),
    shares: devices,
    disks: plannedDisks(request, guest.kind, vm.rank, settings),
    accelerator: kind,
    placement,
  });
  const common = { guest, spec, accelerator, transport, shares, placement: reason };
  return { ...common, qemu: [qemuProgram, ...qemuArguments(spec, qemuDescriptors)] };
}

/** Those of the site and of `mount=` as they are written: the machine of the preview need not have what nodes have. */
async function likelyShares({ request, directories, settings }: PreviewOptions): Promise<MachinePreview['shares']> {
  const { workspace, opt } = settings.storage;
  const ofSite = workspace === '' ? [] : [workspace, sitePlaces.workspace].map((path) => ({ path, real: workspace }));
  const own = planShares([...(await existing(directories)), ...ofSite]).map((share) => ({ ...share, readonly: false }));
  const software = opt === '' ? [] : [{ source: opt, targets: [sitePlaces.opt], readonly: true }];
  const { mounts = [] } = request;
  return [
    ...own,
    ...software,
    ...mounts.map(({ host, guest, readonly }) => ({ source: host, targets: [guest], readonly })),
  ];
}

/** Of the first VM. The node may be larger than this machine, so what does not fit here is told, and no error. */
function likelyPlacement(
  vms: readonly PlannedVm[],
  options: PlaceOptions,
): { readonly placement?: Placement; readonly reason: string } {
  try {
    const [placement] = placementOf(vms, options);
    if (placement === undefined) throw new Error('no placement');
    return { placement, reason: placement.reason };
  } catch (error) {
    if (!(error instanceof VtorqueError)) throw error;
    return { reason: `not on this machine: ${error.message}` };
  }
}

/** The interface, with the fewest assumptions about the node. */
function previewTap(plan: NetworkPlan | undefined): NetworkDevice | undefined {
  if (plan === undefined) return undefined;
  const fds = [firstFreeDescriptor] as const;
  return { kind: 'tap', mac: macOf(0), fds, vhost: false, mtu: plan.mtu, before: [NODE] };
}

/** Without the trial boot that a node does once. */
async function likelyAccelerator(
  guest: GuestSystem,
  { settings: { accelerator }, places, env }: PreviewOptions,
): Promise<AcceleratorChoice> {
  if (accelerator !== 'auto') return { accelerator, reason: 'the site says so' };
  const known = await knownAccelerator(trialWith(guest, places, env));
  return known ?? { accelerator: 'kvm', reason: '/dev/kvm can be used here; a trial boot will decide' };
}
