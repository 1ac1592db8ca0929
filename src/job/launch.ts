import { readFile } from 'node:fs/promises';
import { VtorqueError } from '../base/index.ts';
import { type GuestSystem, resolveGuest } from '../image/index.ts';
import { planVm } from '../plan/index.ts';
import { agentProgram, ownPlaces, placesToRead } from '../site/index.ts';
import { chooseAccelerator, type RunningVm, startVm, type VmSpec } from '../vm/index.ts';
import { type JobContext, readJobContext } from './context.ts';
import { setUpGuest } from './guest-setup.ts';
import { runScript } from './script.ts';
import { type JobShares, prepareShares } from './shares.ts';
import type { JobSignals } from './signals.ts';
import { readSubmission } from './submission.ts';
import { tearDown } from './tear-down.ts';
import { Timeline } from './timeline.ts';

/** From the start of QEMU until the guest answers; a loaded node without KVM takes its time. */
const readyWithinMs = 180_000;
/** A guest that KVM can run is up long before. */
const probeWithinMs = 10_000;

export interface LaunchOptions {
  /** The submitted script, as the batch system keeps it. */
  readonly scriptPath: string;
  /** For the user's script. */
  readonly args: readonly string[];
  readonly signals: JobSignals;
}

/**
 * Run one batch job in its VM: the program behind the script that vsub submitted.
 * @returns the exit code of the user's script
 * @throws VtorqueError with the phase that failed; `Cancelled` when a signal came before the script ran
 */
export async function launch({ scriptPath, args, signals }: LaunchOptions): Promise<number> {
  const context = await readJobContext();
  const timeline = new Timeline(ownPlaces(context.env, context.owner.uid).state, context.id);
  timeline.record('start');
  let code: number | undefined;
  try {
    code = await run(context, timeline, { scriptPath, args, signals });
    return code;
  } finally {
    timeline.record('end', code ?? 'failed');
    await timeline.flush();
  }
}

async function run(context: JobContext, timeline: Timeline, options: LaunchOptions): Promise<number> {
  const { scriptPath, args, signals } = options;
  const { cancelled } = signals;
  const places = placesToRead(context.env, context.owner.uid);
  timeline.record('plan');
  const submission = readSubmission(await readFile(scriptPath));
  const vm = planVm(submission.request, context);
  const guest = await resolveGuest(submission.request.img, { places, agent: agentProgram, signal: cancelled });
  const env = qemuEnvironment(context);
  const { accelerator, reason } = await chooseAccelerator({
    caches: places.map(({ cache }) => cache),
    kernel: guest.kernel,
    initrd: guest.initrd,
    boot: async (spec) => {
      await using _ = await startVm(spec, { readyWithinMs: probeWithinMs, env, signal: cancelled });
    },
  });
  timeline.record('fact', `accelerator ${accelerator}: ${reason}`);
  await using shares = await prepareShares(context);
  timeline.record('fact', `shares ${shares.choice.transport}: ${shares.choice.reason}`);
  timeline.record('network');
  const spec: VmSpec = { ...vm, accelerator, ...devices(guest, shares), network: 'user' };
  timeline.record('vm-start');
  await using machine = await startVm(spec, {
    readyWithinMs,
    env,
    signal: cancelled,
    onMonitorReady: () => timeline.record('guest'),
  });
  await shares.connected();
  const identity = { context, guest, vm, mounts: shares.mounts, script: submission.script, scriptPath };
  return watched(machine, async () => {
    const files = await setUpGuest(machine.agent, identity);
    cancelled.throwIfAborted();
    timeline.record('script');
    const code = await runScript({ agent: machine.agent, identity, files, submission, args, signals });
    timeline.record('tear-down');
    await tearDown(machine);
    return code;
  });
}

function devices(guest: GuestSystem, shares: JobShares): Pick<VmSpec, 'kernel' | 'initrd' | 'disk' | 'shares'> {
  const { kernel, initrd, disk } = guest;
  if (disk !== undefined) return { kernel, initrd, disk, shares: shares.devices };
  const root = { transport: '9p', tag: 'host', source: '/', readonly: true } as const;
  return { kernel, initrd, shares: [root, ...shares.devices] };
}

/** Do something with the guest; if the machine ends meanwhile, that is what went wrong, with its last words. */
async function watched<T>(machine: RunningVm, work: () => Promise<T>): Promise<T> {
  const gone = machine.ended.then((end): never => {
    const how = end.signal === null ? `with exit code ${end.code}` : `by ${end.signal}`;
    throw new VtorqueError('E_GUEST_LOST', `Cannot go on: guest "${machine.spec.name}" ended ${how} during the job`, {
      hint: 'The memory limit of the job may be too small for the guest, or its kernel crashed: see its console',
      phase: 'script',
      details: machine.consoleLines(),
    });
  });
  gone.catch(() => {});
  const done = work();
  return Promise.race([gone, done.catch((error: unknown) => (isLoss(error) ? gone : Promise.reject(error)))]);
}

/** The connection to the agent breaks a moment before the process is known to be gone. */
function isLoss(error: unknown): boolean {
  return error instanceof VtorqueError && (error.code === 'E_GUEST_LOST' || isLoss(error.cause));
}

/** QEMU keeps its temporary disk overlays in TMPDIR; it needs nothing else. */
function qemuEnvironment({ env }: JobContext): Record<string, string> {
  const path = env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
  return { PATH: path, ...(env.TMPDIR === undefined ? {} : { TMPDIR: env.TMPDIR }) };
}
