import { setTimeout as delay } from 'node:timers/promises';
import type { Phase } from '../base/index.ts';
import { type GuestSystem, resolveGuest } from '../image/index.ts';
import { type PlannedVm, planVm } from '../plan/index.ts';
import { agentProgram, type Places } from '../site/index.ts';
import { type AcceleratorChoice, chooseAccelerator, type RunningVm, startVm, type VmSpec } from '../vm/index.ts';
import type { JobContext } from './context.ts';
import { type GuestFiles, type GuestIdentity, setUpGuest } from './guest-setup.ts';
import { type JobShares, prepareShares } from './shares.ts';
import type { Submission } from './submission.ts';
import type { TimelineEntry } from './timeline.ts';

/** From the start of QEMU until the guest answers; a loaded node without KVM takes its time. */
const readyWithinMs = 180_000;
/** A guest that KVM can run is up long before. */
const probeWithinMs = 10_000;

/** The job's own guest, set up and with nothing of the job running yet. Disposing of it ends it at once. */
export interface JobGuest extends AsyncDisposable {
  readonly machine: RunningVm;
  readonly identity: GuestIdentity;
  readonly files: GuestFiles;
  /** Wait for work with the guest, as long as the machine and the servers of its shares live. */
  watch<T>(phase: Phase, work: Promise<T>): Promise<T>;
}

/** When QEMU ends, the servers of its shares do so too; a moment tells which was first. */
const orderMs = 500;

export interface JobGuestOptions {
  readonly context: JobContext;
  readonly places: readonly Places[];
  readonly submission: Submission;
  /** Path of the submitted script on the host. */
  readonly scriptPath: string;
  readonly record: (event: TimelineEntry['event'], value?: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Decide, start and set up the VM of a job on this node. Nothing is left of it when this throws.
 * @throws VtorqueError of the phase that failed, or the signal's reason
 */
export async function startJobGuest(options: JobGuestOptions): Promise<JobGuest> {
  const { context, places, submission, scriptPath, record, signal } = options;
  record('plan');
  const vm = planVm(submission.request, context);
  const guest = await resolveGuest(submission.request.img, { places, agent: agentProgram, signal });
  const { accelerator, reason } = await accelerate(guest, options);
  record('fact', `accelerator ${accelerator}: ${reason}`);
  await using cleanup = new AsyncDisposableStack();
  const shares = cleanup.use(await prepareShares(context));
  record('fact', `shares ${shares.choice.transport}: ${shares.choice.reason}`);
  record('network');
  const spec = specOf(vm, guest, shares, accelerator);
  record('vm-start');
  const machine = cleanup.use(
    await startVm(spec, {
      readyWithinMs,
      env: qemuEnvironment(context),
      signal,
      onMonitorReady: () => record('guest'),
    }),
  );
  await shares.connected();
  const identity = { context, guest, vm, mounts: shares.mounts, script: submission.script, scriptPath };
  const shareLost = shares.lost.then(async (error): Promise<never> => {
    await delay(orderMs);
    throw error;
  });
  shareLost.catch(() => {});
  const watch = <T>(phase: Phase, work: Promise<T>): Promise<T> =>
    Promise.race([machine.watch(phase, work), shareLost]);
  const files = await watch('guest', setUpGuest(machine.agent, identity));
  signal.throwIfAborted();
  const started = cleanup.move();
  return { machine, identity, files, watch, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

function accelerate(guest: GuestSystem, { places, context, signal }: JobGuestOptions): Promise<AcceleratorChoice> {
  return chooseAccelerator({
    caches: places.map(({ cache }) => cache),
    kernel: guest.kernel,
    initrd: guest.initrd,
    boot: async (spec) => {
      await using _ = await startVm(spec, { readyWithinMs: probeWithinMs, env: qemuEnvironment(context), signal });
    },
  });
}

function specOf(vm: PlannedVm, guest: GuestSystem, shares: JobShares, accelerator: VmSpec['accelerator']): VmSpec {
  const { name, vcpus, ram } = vm;
  const { kernel, initrd, disk } = guest;
  const common = { name, vcpus, ram, accelerator, kernel, initrd, network: 'user' } as const;
  if (disk !== undefined) return { ...common, disk, shares: shares.devices };
  const root = { transport: '9p', tag: 'host', source: '/', readonly: true } as const;
  return { ...common, shares: [root, ...shares.devices] };
}

/** QEMU keeps its temporary disk overlays in TMPDIR; it needs nothing else. */
function qemuEnvironment({ env }: JobContext): Record<string, string> {
  const path = env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  return { PATH: path, ...(env.TMPDIR === undefined ? {} : { TMPDIR: env.TMPDIR }) };
}
