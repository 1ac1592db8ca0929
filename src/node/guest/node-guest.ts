import { orAborted, type Phase, type VtorqueError } from '../../base/index.ts';
import type { GuestSystem } from '../../image/index.ts';
import type { Cidr, GuestNetwork } from '../../network/index.ts';
import type { PlannedVm } from '../../plan/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { Places } from '../../site/index.ts';
import type { Accelerator, NetworkDevice, RunningVm, VmPlacement } from '../../vm/index.ts';
import { keepClock } from './clock/keep.ts';
import type { JobContext } from './context.ts';
import { prepareDisks, type VmDisks } from './disks.ts';
import type { Variables } from './environment/index.ts';
import { type GuestFiles, type GuestIdentity, setUpGuest } from './guest-setup.ts';
import type { GuestHooks, HookReports, PreparedHooks } from './hooks/index.ts';
import type { NodeSettings } from './node-settings.ts';
import { startServedMachine } from './served-machine.ts';
import type { JobSsh } from './ssh/index.ts';
import { warmOrCold } from './warm-start.ts';

/** One of a job's guests, set up and with nothing of the job running in it yet. Disposing of it ends it at once. */
export interface NodeGuest extends AsyncDisposable {
  readonly machine: RunningVm;
  readonly identity: GuestIdentity;
  readonly files: GuestFiles;
  readonly disks: VmDisks;
  /** Undefined where there are none. */
  readonly hooks: GuestHooks | undefined;
  /** Wait for work with the guest, as long as the machine and the servers of its shares live. */
  watch<T>(phase: Phase, work: Promise<T>): Promise<T>;
  /** The server of a share that has failed, if one has. */
  shareFailure(): VtorqueError | undefined;
}

/** How far the start of a guest is; `fact`: what was chosen, and why. */
export type StartStep = 'plan' | 'network' | 'vm-start' | 'guest' | 'fact';

/** What is decided for all VMs of a job on a node, and for one of them. */
export interface NodeGuestOptions {
  readonly context: JobContext;
  readonly places: readonly Places[];
  readonly request: VmRequest;
  readonly settings: NodeSettings;
  readonly accelerator: Accelerator;
  readonly guest: GuestSystem;
  /** As `distro=` calls it; undefined when nobody knows. */
  readonly distro: string | undefined;
  /** What the job brings into all of its VMs. */
  readonly variables: Variables;
  readonly hooks: PreparedHooks | undefined;
  readonly reports: HookReports;
  /** All of the job, by rank. */
  readonly vms: readonly PlannedVm[];
  readonly vm: PlannedVm;
  readonly placement: VmPlacement | undefined;
  /** How it is connected; not at all without this. */
  readonly connection: { readonly network: GuestNetwork; readonly device: NetworkDevice } | undefined;
  /** Of the job's network, if there is one. */
  readonly subnet: Cidr | undefined;
  /** Where it runs: the user's script. */
  readonly script: Uint8Array | undefined;
  /** Path of the submitted script on the host. */
  readonly scriptPath: string;
  readonly record: (event: StartStep, value?: string) => void;
  readonly signal: AbortSignal;
  /** None where the job wants none. */
  readonly ssh: JobSsh | undefined;
}

/**
 * Start and set up one VM of a job. Nothing is left of it when this throws.
 * @throws VtorqueError of the phase that failed, or the signal's reason
 */
export async function startNodeGuest(options: NodeGuestOptions): Promise<NodeGuest> {
  const { context, settings, guest, vm, connection, record, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  const disks = cleanup.use(await prepareDisks(options));
  const { shares, machine, cloned } = cleanup.use(
    await warmOrCold(options, (template) => startServedMachine(options, disks, template), cleanup),
  );
  const { vms, subnet, script, scriptPath, variables, distro, reports } = options;
  const identity = {
    ...{ context, guest, vms, vm, subnet, network: connection?.network, dataDisk: disks.data !== undefined },
    ...{ mounts: shares.mounts, cloned, script, scriptPath, settings, ssh: options.ssh, variables, distro },
  };
  const shareLost = shares.lost.then((error): never => {
    throw error;
  });
  shareLost.catch(() => {});
  const watch = <T>(phase: Phase, work: Promise<T>): Promise<T> =>
    Promise.race([machine.watch(phase, work), shareLost]);
  const files = await orAborted(watch('guest', setUpGuest(machine.agent, identity)), signal);
  await orAborted(watch('storage', disks.mount(machine.agent)), signal);
  cleanup.use(keepClock({ agent: machine.agent, onGivenUp: (why) => record('fact', why) }));
  const ssh = files.sshServer;
  if (vms.length > 1 && ssh !== undefined && ssh !== 'listens') record('fact', `no ssh between the VMs: ${ssh.why}`);
  const prologues = options.hooks?.start({ agent: machine.agent, identity, files, reports, watch });
  const hooks = prologues === undefined ? undefined : await orAborted(prologues, signal);
  const started = cleanup.move();
  return {
    ...{ machine, identity, files, disks, hooks, watch, shareFailure: shares.failed },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
