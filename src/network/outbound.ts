import { VtorqueError, within } from '../base/index.ts';
import { type BoundProcess, describeEnd, spawnBound } from '../process/index.ts';
import { networkLost } from './errors.ts';
import { startHolder } from './holder.ts';
import { type Cidr, formatCidr } from './ipv4.ts';

export interface OutboundOptions {
  /** Process that holds the job's network, which has a tap `gateway`. */
  readonly holder: number;
  readonly subnet: Cidr;
  readonly mtu: number;
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Connections from a job's network to outside, as the user's own. Disposing of it ends them. */
export interface Outbound extends AsyncDisposable {
  readonly pid: number;
  /** Whether it could shut itself off from the node's files and from most system calls. */
  readonly confined: boolean;
  readonly lost: Promise<VtorqueError>;
}

export const slirpProgram = 'slirp4netns';
/** What it is behind its descriptors' numbers. */
const EXIT_FD = 3;
const READY_FD = 4;
const READY_MS = 20_000;
const confinement = ['--enable-sandbox', '--enable-seccomp'];

/**
 * Let the VMs of a job connect to outside: to what the user can reach from this node, except its loopback.
 * @throws VtorqueError `E_NETWORK_OUTBOUND`, or the signal's reason
 */
export async function startOutbound(options: OutboundOptions): Promise<Outbound> {
  // Where mounts are forbidden, as in some containers, it cannot confine itself.
  const first = await start(options, confinement);
  if (!(first instanceof VtorqueError)) return running(first, true);
  const second = await start(options, []);
  if (!(second instanceof VtorqueError)) return running(second, false);
  throw second;
}

/** The gateway's tap of a network that the hooks have prepared. */
export interface PreparedGateway extends Omit<OutboundOptions, 'holder'> {
  /** Its name in the node's own network. It belongs to the job's owner, is up, and has one queue. */
  readonly tap: string;
}

/**
 * The same for a network whose bridge is in the node's own network: slirp4netns is in a namespace of the user's there, too, and
 * frames are copied between its tap and the prepared one.
 * @throws VtorqueError of `startHolder` and `startOutbound`
 */
export async function startPreparedOutbound({ tap, ...options }: PreparedGateway): Promise<Outbound> {
  const { subnet, mtu, env, signal } = options;
  await using cleanup = new AsyncDisposableStack();
  const holder = cleanup.use(await startHolder({ mtu, outbound: subnet, from: { tap }, env, signal }));
  const way = cleanup.use(await startOutbound({ ...options, holder: holder.pid }));
  const started = cleanup.move();
  return {
    ...way,
    lost: Promise.race([holder.lost, way.lost]),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function start(
  { holder, subnet, mtu, env, signal }: OutboundOptions,
  further: readonly string[],
): Promise<BoundProcess | VtorqueError> {
  const child = await spawnBound({
    program: slirpProgram,
    args: [
      ...['--disable-host-loopback', `--mtu=${mtu}`, `--cidr=${formatCidr(subnet)}`, ...further],
      ...[`--exit-fd=${EXIT_FD}`, `--ready-fd=${READY_FD}`, String(holder), 'gateway'],
    ],
    env,
    descriptors: ['pipe', 'pipe'],
    phase: 'network',
  });
  const [, word] = child.sockets;
  for (const socket of child.sockets) socket.on('error', () => {});
  const said = new Promise<undefined>((resolve) => {
    word?.once('data', () => resolve(undefined));
  });
  const ended = child.ended.then((end) => notStarted(describeEnd(end), end.code === 127, child.stderr.lines));
  try {
    const late = (): Error => notStarted(`no word within ${READY_MS / 1000} s`, false, child.stderr.lines);
    const failure = await within(Promise.race([said, ended]), { ms: READY_MS, late, signal });
    return failure ?? child;
  } catch (error) {
    await child.kill();
    throw error;
  }
}

function running(child: BoundProcess, confined: boolean): Outbound {
  let wanted = true;
  const { promise: lost, resolve } = Promise.withResolvers<VtorqueError>();
  void child.ended.then((end) => {
    if (wanted) resolve(networkLost(slirpProgram, end, child.stderr.lines));
  });
  return {
    ...{ pid: child.pid, confined, lost },
    [Symbol.asyncDispose]: async () => {
      wanted = false;
      for (const socket of child.sockets) socket.destroy();
      await child.kill();
    },
  };
}

function notStarted(how: string, missing: boolean, details: readonly string[]): VtorqueError {
  const state = missing ? `"${slirpProgram}" is not there` : `"${slirpProgram}" ended ${how}`;
  return new VtorqueError('E_NETWORK_OUTBOUND', `Cannot connect the job's network to outside: ${state}`, {
    hint: missing
      ? 'Install it (Debian: slirp4netns), or ask for -vm net=job, which has no way out'
      : 'Ask for -vm net=job, which has no way out',
    phase: 'network',
    details,
  });
}
