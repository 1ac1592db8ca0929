import { type GuestSystem, resolveGuest } from '../../image/index.ts';
import { slirpAddresses } from '../../network/index.ts';
import { planVms } from '../../plan/index.ts';
import type { VmRequest } from '../../request/index.ts';
import { agentProgram, type Places } from '../../site/index.ts';
import {
  canMakeUserNamespace,
  chooseTransport,
  planShares,
  type TransportChoice,
  virtiofsdThere,
} from '../../storage/index.ts';
import {
  type AcceleratorChoice,
  guestMac,
  knownAccelerator,
  qemuArguments,
  qemuDescriptors,
  qemuProgram,
  type ShareDevice,
  type VmSpec,
} from '../../vm/index.ts';
import { existing } from './context.ts';
import type { NodeSettings } from './node-settings.ts';
import { vmSpecOf } from './vm-spec.ts';

export interface PreviewOptions {
  readonly request: VmRequest;
  readonly slots: number;
  readonly places: readonly Places[];
  /** Directories that the job will name. */
  readonly directories: readonly (string | undefined)[];
  readonly settings: NodeSettings;
  readonly uid: number;
  readonly gid: number;
}

/** What the launcher would start if this machine were the job's node. */
export interface MachinePreview {
  readonly guest: GuestSystem;
  readonly spec: VmSpec;
  readonly accelerator: AcceleratorChoice;
  readonly transport: TransportChoice;
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
  const { request, settings, uid, gid } = options;
  const network = request.net === 'none' ? undefined : { mac: guestMac, ...slirpAddresses };
  const guest = await resolveGuest(request.img, {
    ...{ places: options.places, agent: agentProgram, network, kernel: request.kernel },
  });
  const accelerator = await likelyAccelerator(settings, guest, options.places);
  const transport = chooseTransport({
    virtiofsd: await virtiofsdThere(),
    userNamespaces: await canMakeUserNamespace(uid, gid),
    wanted: settings.transport,
  });
  const own = planShares(await existing(options.directories)).map((share) => ({ ...share, readonly: false }));
  const further = (request.mounts ?? []).map(({ host, guest: target, readonly }) => ({
    ...{ source: host, targets: [target], readonly },
  }));
  const shares = [...own, ...further];
  const devices = shares.map(({ source, readonly }, index): ShareDevice => {
    const tag = `share${index}`;
    return readonly || transport.transport === '9p'
      ? { transport: '9p', tag, source, readonly }
      : { transport: 'virtiofs', tag, socket: `DIRECTORY/${tag}.sock` };
  });
  const [vm] = planVms(request, [{ host: NODE, slots: options.slots }]);
  if (vm === undefined) throw new Error('no VM');
  const spec = vmSpecOf({ vm, request, guest, shares: devices, accelerator: accelerator.accelerator });
  return { guest, spec, accelerator, transport, shares, qemu: [qemuProgram, ...qemuArguments(spec, qemuDescriptors)] };
}

/** Without the trial boot that a node does once. */
async function likelyAccelerator(
  { accelerator }: NodeSettings,
  guest: GuestSystem,
  places: readonly Places[],
): Promise<AcceleratorChoice> {
  if (accelerator !== 'auto') return { accelerator, reason: 'the site says so' };
  const { kernel, initrd } = guest.kind === 'cloud' ? guest.probe : (guest.probe ?? guest);
  const known = await knownAccelerator({ caches: places.map(({ cache }) => cache), kernel, initrd });
  return known ?? { accelerator: 'kvm', reason: '/dev/kvm can be used here; a trial boot will decide' };
}
