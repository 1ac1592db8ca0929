import { VtorqueError } from '../../base/index.ts';
import { tapFailure } from '../../network/index.ts';
import type { ProcessEnd } from '../../process/index.ts';
import { cloning, type OpenTemplate, type RunningVm, startVm } from '../../vm/index.ts';
import { ASK_MARK } from '../leases/lease.ts';
import { scratchDirectory, type VmDisks } from './disks.ts';
import { guestKind } from './kinds/index.ts';
import type { NodeGuestOptions } from './node-guest.ts';
import { pinningOf } from './pinning.ts';
import { qemuEnvironment } from './qemu-environment.ts';
import { type JobShares, prepareShares } from './shares.ts';
import { vmSpecOf } from './vm-spec.ts';

/** A machine whose guest has answered, and the servers of its shares. Disposing of it ends all at once. */
export interface ServedMachine extends AsyncDisposable {
  readonly shares: JobShares;
  readonly machine: RunningVm;
  /** Whether it started from a template. */
  readonly cloned: boolean;
}

/** A clone answers within a second; on a node where many start at a time it takes longer. A site may leave it less. */
const cloneReadyWithinMs = 30_000;

/**
 * Serve the user's directories and start the machine that uses them. Nothing is left of any when this throws.
 * @param disks of its own
 * @param template that it starts from, instead of booting
 * @throws VtorqueError of the phase that failed, or the signal's reason
 */
export async function startServedMachine(
  options: NodeGuestOptions,
  disks: VmDisks,
  template?: OpenTemplate,
): Promise<ServedMachine> {
  const { context, request, settings, guest, connection, record, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  const lacks = guest.kind === 'cloud' ? [] : (guest.lacks ?? []);
  const transport = lacks.includes('virtiofs') ? '9p' : settings.transport;
  const asked = request.vcpuPinning !== undefined;
  const { bindServer, onNotPinned } = pinningOf(options.placement, { asked, tell: (fact) => record('fact', fact) });
  const shares = cleanup.use(await prepareShares(context, request, { ...settings, transport }, bindServer));
  if (shares.mounts.some(({ type }) => lacks.includes(type))) throw noDriver(request.kernel ?? '');
  if (disks.data !== undefined && lacks.includes('disk')) throw noDiskDriver(request.kernel ?? '');
  record('fact', `shares ${shares.choice.transport}: ${shares.choice.reason}`);
  const spec = vmSpecOf({ ...options, network: connection?.device, shares: shares.devices, disks });
  record('vm-start');
  let namesGone: Promise<void> | undefined;
  const readyWithinMs = settings.readyWithinMs ?? guestKind(guest).readyWithinMs;
  const start = {
    readyWithinMs: template === undefined ? readyWithinMs : Math.min(readyWithinMs, cloneReadyWithinMs),
    env: {
      ...qemuEnvironment(context),
      TMPDIR: scratchDirectory(settings, context.env),
      ...(spec.data?.keeps === true || options.hooks?.precancel === true ? { [ASK_MARK]: '1' } : {}),
    },
    ...{ signal, onNotPinned, files: disks.files },
    onMonitorReady: () => {
      record('guest');
      // QEMU has connected to the servers by now.
      namesGone = shares.connected();
      namesGone.catch(() => {});
    },
  };
  const how = template === undefined ? undefined : cloning(spec, template);
  const machine = cleanup.use(
    await startVm(spec, start, how).catch((error: unknown) => {
      // QEMU ends when it cannot connect to a server, and does not know why.
      throw shares.failed() ?? networkFailure(options, error) ?? error;
    }),
  );
  await namesGone;
  const started = cleanup.move();
  return { shares, machine, cloned: template !== undefined, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** What stands before QEMU and opens its tap may have ended, instead of becoming QEMU: no fault of the machine, or of its template. */
function networkFailure({ connection }: NodeGuestOptions, error: unknown): VtorqueError | undefined {
  if (connection?.device.kind !== 'tap' || !(error instanceof VtorqueError) || error.code !== 'E_VM_START')
    return undefined;
  // One of another node, which ends this start, has none.
  return error.cause === undefined ? undefined : tapFailure(error.cause as ProcessEnd, error.details);
}

/** A transport that the node, its site, or a read-only folder leaves no choice about. */
function noDriver(kernel: string): VtorqueError {
  return new VtorqueError('E_KERNEL_MODULES', `Cannot use kernel="${kernel}": it has no driver for 9p`, {
    hint: 'On this node all folders, or those that are read-only, are served by 9p: use a kernel with 9p and 9pnet_virtio',
    phase: 'storage',
  });
}

function noDiskDriver(kernel: string): VtorqueError {
  return new VtorqueError(
    'E_KERNEL_MODULES',
    `Cannot use kernel="${kernel}" with disk=: it has no driver for the disk`,
    {
      hint: 'Use a kernel with virtio_blk and ext4',
      phase: 'storage',
    },
  );
}
