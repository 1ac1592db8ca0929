import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type Phase, VtorqueError, within } from '../base/index.ts';
import { attachAgent, type GuestAgent, type GuestHello } from '../guest/linux/index.ts';
import { type BoundProcess, describeEnd, type ProcessEnd, spawnBound, Tail } from '../process/index.ts';
import { qemuArguments } from './command-line.ts';
import { guestLost } from './guest-lost.ts';
import { noRoom } from './no-room.ts';
import { pin } from './pin.ts';
import { qemuProgram } from './program.ts';
import { QmpClient } from './qmp.ts';
import { firstFileDescriptor, qemuDescriptors, type VmSpec } from './spec.ts';

/** A machine whose guest has answered. Disposing of it ends it at once. */
export interface RunningVm extends AsyncDisposable {
  readonly spec: VmSpec;
  readonly pid: number;
  readonly agent: GuestAgent;
  readonly hello: GuestHello;
  readonly qmp: QmpClient;
  /** The last lines that the guest's kernel wrote. */
  consoleLines(): readonly string[];
  /**
   * Wait for work with the guest. If the machine ends meanwhile, that is what went wrong, not the connection that
   * broke because of it.
   * @throws VtorqueError `E_GUEST_LOST` with the last console lines, `E_NODE_DISK_FULL`, or what the work throws
   */
  watch<T>(phase: Phase, work: Promise<T>): Promise<T>;
  /** End the machine without asking the guest; what the guest has not written by now is lost. */
  stop(): Promise<ProcessEnd>;
}

export interface StartOptions {
  /** Milliseconds from the start of QEMU until the guest's agent answers. */
  readonly readyWithinMs: number;
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Descriptors of this process that QEMU gets, from `firstFileDescriptor` on. */
  readonly files?: readonly number[];
  /** Its threads cannot be bound to their CPUs: that is an error unless this takes it. */
  readonly onNotPinned?: (error: Error) => void;
  /** QEMU runs and answers; the guest is being booted. */
  readonly onMonitorReady?: () => void;
}

/** How the process of a machine comes about, and how its guest gets to run. */
export interface MachineStart {
  readonly program: string;
  readonly args: readonly string[];
  /** What the process gets besides, from the number on that the start was told. */
  readonly descriptors: readonly ('pipe' | number)[];
  /** Have the guest run. QEMU's monitor answers by now. */
  readonly run: (qmp: QmpClient, sockets: readonly Duplex[]) => Promise<void>;
  /** What the guest itself has to do, as soon as it answers. */
  readonly wake: (agent: GuestAgent) => Promise<void>;
}

/** A process whose connections have broken is known to have ended within this time. */
const endFollowsWithinMs = 2000;

/**
 * Start a machine as a child of this process and wait for its guest. Nothing of it is left when this throws.
 * @param how it starts: by booting, unless told
 * @throws VtorqueError `E_SPAWN`, `E_VM_START` (QEMU ended; its cause is the ProcessEnd), `E_GUEST_TIMEOUT`; what the steps of the start throw
 * (`E_PINNING`, `E_QMP`); or the signal's reason
 */
export async function startVm(
  spec: VmSpec,
  options: StartOptions,
  how: (firstFd: number) => MachineStart = () => booting(spec),
): Promise<RunningVm> {
  const { files = [] } = options;
  const start = how(firstFileDescriptor + files.length);
  const child = await spawnBound({
    ...programOf(spec, start),
    env: options.env,
    descriptors: ['pipe', 'pipe', 'pipe', ...files, ...start.descriptors],
  });
  try {
    return await waitForGuest(spec, child, options, start);
  } catch (error) {
    await child.kill();
    throw error;
  }
}

function booting(spec: VmSpec): MachineStart {
  const args = qemuArguments(spec, qemuDescriptors);
  // A machine whose threads are to be bound is not let go by itself.
  const waits = spec.placement?.pins !== undefined;
  return {
    ...{ program: qemuProgram, args, descriptors: [], wake: async () => {} },
    run: async (qmp) => {
      if (waits) await qmp.execute('cont');
    },
  };
}

function programOf({ network }: VmSpec, start: MachineStart): { program: string; args: string[] } {
  const words = [start.program, ...start.args] as const;
  const [program, ...args] = network?.kind === 'tap' ? ([...network.before, ...words] as const) : words;
  return { program, args };
}

async function waitForGuest(
  spec: VmSpec,
  child: BoundProcess,
  options: StartOptions,
  start: MachineStart,
): Promise<RunningVm> {
  const [monitor, serial, port, ...further] = child.sockets;
  if (monitor === undefined || serial === undefined || port === undefined) throw new Error('QEMU lacks a descriptor');
  const qmp = new QmpClient(monitor);
  const serialTail = new Tail(serial);
  const agent = attachAgent(port);
  const gone = child.ended.then((end): never => {
    throw startFailure(spec, end, [...serialTail.lines, ...child.stderr.lines]);
  });
  gone.catch(() => {});
  const diskFull = qmp.event('BLOCK_IO_ERROR', ({ action, nospace }) => action === 'stop' && nospace === true);
  const full = (phase: Phase): Promise<never> =>
    diskFull.then((event): never => {
      throw noRoom(spec, phase, event['node-name'] === 'data' ? 'data' : 'root', options.env.TMPDIR ?? '/var/tmp');
    });
  const ready = async (): Promise<GuestHello> => {
    await qmp.negotiate();
    await pin(spec, child.pid, qmp).catch(options.onNotPinned ?? raise);
    await start.run(qmp, further);
    options.onMonitorReady?.();
    const hello = await agent.hello();
    await start.wake(agent);
    return hello;
  };
  const answer = ready();
  // A lost connection is only a symptom: the end of QEMU, which follows at once, has the reason. A QEMU that goes on has no better one.
  const failed = (error: unknown): Promise<never> =>
    Promise.race([gone, delay(endFollowsWithinMs, undefined, { ref: false }).then(() => Promise.reject(error))]);
  const hello = await within(Promise.race([gone, full('guest'), answer.catch(failed)]), {
    ms: options.readyWithinMs,
    signal: options.signal,
    late: () => notReady(spec, options.readyWithinMs, serialTail.lines),
  });
  return {
    spec,
    pid: child.pid,
    agent,
    hello,
    qmp,
    consoleLines: () => serialTail.lines,
    watch: (phase, work) => {
      const watched = watch(work, child.ended, (end) => guestLost(spec.name, phase, end, serialTail.lines));
      return Promise.race([full(phase), watched]);
    },
    stop: () => child.kill(),
    [Symbol.asyncDispose]: async () => {
      await child.kill();
    },
  };
}

function raise(error: Error): never {
  throw error;
}

async function watch<T>(work: Promise<T>, ended: Promise<ProcessEnd>, lost: (end: ProcessEnd) => Error): Promise<T> {
  const gone = ended.then((end): never => {
    throw lost(end);
  });
  gone.catch(() => {});
  const worked = work.catch((error: unknown) => (isLoss(error) ? gone : Promise.reject(error)));
  return Promise.race([gone, worked]);
}

/** The connection to the agent breaks a moment before the process is known to have ended. */
function isLoss(error: unknown): boolean {
  return error instanceof VtorqueError && (error.code === 'E_GUEST_LOST' || isLoss(error.cause));
}

function startFailure(spec: VmSpec, end: ProcessEnd, details: readonly string[]): VtorqueError {
  const locked = details.some((line) => line.includes('Failed to get "write" lock'));
  return new VtorqueError('E_VM_START', `Cannot start guest "${spec.name}": QEMU ended ${describeEnd(end)}`, {
    ...(locked ? { hint: 'Another virtual machine or program uses the file of its disk' } : {}),
    phase: 'vm-start',
    details,
    cause: end,
  });
}

function notReady(spec: VmSpec, ms: number, lines: readonly string[]): VtorqueError {
  const last = lines.at(-1);
  const seen = last === undefined ? 'its console is empty' : `its last console line is "${last}"`;
  return new VtorqueError(
    'E_GUEST_TIMEOUT',
    `Cannot start guest "${spec.name}": its agent did not answer within ${ms / 1000} s; ${seen}`,
    { phase: 'guest', details: lines },
  );
}
