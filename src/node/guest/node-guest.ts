import { orAborted, type Phase, VtorqueError } from '../../base/index.ts';
import { checkDistro, distroOfHost, type GuestSystem, resolveGuest, useImage } from '../../image/index.ts';
import { slirpAddresses } from '../../network/index.ts';
import { planVms } from '../../plan/index.ts';
import type { VmRequest } from '../../request/index.ts';
import { agentProgram, type Places } from '../../site/index.ts';
import {
  type AcceleratorChoice,
  chooseAccelerator,
  guestMac,
  type RunningVm,
  startVm,
  trialBoot,
} from '../../vm/index.ts';
import { JOB_MARK, jobMark } from '../leases/lease.ts';
import type { JobContext } from './context.ts';
import { type GuestFiles, type GuestIdentity, setUpGuest } from './guest-setup.ts';
import { guestKind } from './kinds/index.ts';
import { type NodeSettings, nodeSettings } from './node-settings.ts';
import { prepareShares } from './shares.ts';
import { vmSpecOf } from './vm-spec.ts';

/** A job's guest on this node, set up and with nothing of the job running in it yet. Disposing of it ends it at once. */
export interface NodeGuest extends AsyncDisposable {
  readonly machine: RunningVm;
  readonly identity: GuestIdentity;
  readonly files: GuestFiles;
  /** Wait for work with the guest, as long as the machine and the servers of its shares live. */
  watch<T>(phase: Phase, work: Promise<T>): Promise<T>;
  /** The server of a share that has failed, if one has. */
  shareFailure(): VtorqueError | undefined;
}

/** How far the start of a guest is; `fact`: what was chosen, and why. */
export type StartStep = 'plan' | 'network' | 'vm-start' | 'guest' | 'fact';

export interface NodeGuestOptions {
  readonly context: JobContext;
  readonly places: readonly Places[];
  readonly request: VmRequest;
  /** Where it runs: the user's script. */
  readonly script: Uint8Array | undefined;
  /** Path of the submitted script on the host. */
  readonly scriptPath: string;
  readonly record: (event: StartStep, value?: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Decide, start and set up the VM of a job on this node. Nothing is left of it when this throws.
 * @throws VtorqueError of the phase that failed, or the signal's reason
 */
export async function startNodeGuest(options: NodeGuestOptions): Promise<NodeGuest> {
  const { context, places, request, script, scriptPath, record, signal } = options;
  record('plan');
  const vms = planVms(request, context.hosts);
  const vm = vms[context.rank];
  if (vm === undefined) throw new Error(`the job has no node of rank ${context.rank}`);
  const network = request.net === 'none' ? undefined : { mac: guestMac, ...slirpAddresses };
  const settings = await nodeSettings(context.env, context.owner.uid, context.node);
  const guest = await resolveGuest(request.img, {
    ...{ places, agent: agentProgram, network, kernel: request.kernel, signal },
  });
  if (request.distro !== undefined && guest.kind === 'host') {
    checkDistro(request.distro, guest.name, await distroOfHost());
  }
  const { accelerator, reason } = await accelerate(guest, settings, options);
  if (request.kernel !== undefined) record('fact', `kernel ${request.kernel}`);
  record('fact', `accelerator ${accelerator}: ${reason}`);
  await using cleanup = new AsyncDisposableStack();
  if (guest.kind !== 'host') cleanup.use(await useImage(guest.disk.useLock));
  const lacks = guest.kind === 'cloud' ? [] : (guest.lacks ?? []);
  const transport = lacks.includes('virtiofs') ? '9p' : settings.transport;
  const shares = cleanup.use(await prepareShares(context, request.mounts, transport));
  if (shares.mounts.some(({ type }) => lacks.includes(type))) throw noDriver(request.kernel ?? '');
  record('fact', `shares ${shares.choice.transport}: ${shares.choice.reason}`);
  record('network');
  const spec = vmSpecOf({ vm, request, guest, shares: shares.devices, accelerator });
  record('vm-start');
  let namesGone: Promise<void> | undefined;
  const machine = cleanup.use(
    await startVm(spec, {
      readyWithinMs: settings.readyWithinMs ?? guestKind(guest).readyWithinMs,
      env: qemuEnvironment(context),
      signal,
      onMonitorReady: () => {
        record('guest');
        // QEMU connects to the servers before its monitor answers.
        namesGone = shares.connected();
        namesGone.catch(() => {});
      },
    }).catch((error: unknown) => {
      // QEMU ends when it cannot connect to a server, and does not know why.
      throw shares.failed() ?? error;
    }),
  );
  await namesGone;
  const identity = {
    ...{ context, guest, vms, vm, mounts: shares.mounts, network: spec.network },
    ...{ script, scriptPath, settings },
  };
  const shareLost = shares.lost.then((error): never => {
    throw error;
  });
  shareLost.catch(() => {});
  const watch = <T>(phase: Phase, work: Promise<T>): Promise<T> =>
    Promise.race([machine.watch(phase, work), shareLost]);
  const files = await orAborted(watch('guest', setUpGuest(machine.agent, identity)), signal);
  const started = cleanup.move();
  return {
    ...{ machine, identity, files, watch, shareFailure: shares.failed },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** A transport that the node, or a folder of mount=...:ro, leaves no choice about. */
function noDriver(kernel: string): VtorqueError {
  return new VtorqueError('E_KERNEL_MODULES', `Cannot use kernel="${kernel}": it has no driver for 9p`, {
    hint: 'Read-only mounts need 9p, and all do on a node where virtiofsd cannot run: use a kernel with 9p and 9pnet_virtio',
    phase: 'storage',
  });
}

async function accelerate(
  guest: GuestSystem,
  { accelerator }: NodeSettings,
  { places, context, signal }: NodeGuestOptions,
): Promise<AcceleratorChoice> {
  if (accelerator !== 'auto') return { accelerator, reason: 'the site says so' };
  const { kernel, initrd } = guest.kind === 'cloud' ? guest.probe : (guest.probe ?? guest);
  return chooseAccelerator({
    caches: places.map(({ cache }) => cache),
    kernel,
    initrd,
    signal,
    boot: trialBoot(qemuEnvironment(context), signal),
  });
}

/** QEMU keeps its temporary disk overlays in TMPDIR, and carries the job's mark; it needs nothing else. */
function qemuEnvironment({ env, key }: JobContext): Record<string, string> {
  const path = env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  return { PATH: path, [JOB_MARK]: jobMark(key), ...(env.TMPDIR === undefined ? {} : { TMPDIR: env.TMPDIR }) };
}
