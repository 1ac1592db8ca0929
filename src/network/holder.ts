import type { Duplex } from 'node:stream';
import { VtorqueError, within } from '../base/index.ts';
import { type BoundProcess, spawnBound } from '../process/index.ts';
import { badMtu, jobnetFailure, largestMtu, networkLost, smallestMtu } from './errors.ts';
import { type Cidr, formatCidr } from './ipv4.ts';
import { jobnetProgram } from './native/build.ts';

export interface HolderOptions {
  readonly mtu: number;
  /** The job's subnet, when slirp4netns is to have a tap. */
  readonly outbound: Cidr | undefined;
  /**
   * A bridge for taps of VMs; also with a trunk, as a stream; or none, but a tap of the node's own network, from which comes
   * what is for outside.
   */
  readonly from: 'bridge' | 'stream' | { readonly tap: string };
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** A user and network namespace with a bridge, and the process that holds them. Disposing of it ends them. */
export interface Holder extends AsyncDisposable {
  readonly pid: number;
  /** Frames of the trunk, where it is a stream. */
  readonly stream: Duplex | undefined;
  /** Resolves when the process ended that was not told to. */
  readonly lost: Promise<VtorqueError>;
}

const READY_MS = 20_000;

/**
 * Make a job's network on this node.
 * @throws VtorqueError `E_NETWORK_NAMESPACE`, `E_NETWORK_TUN`, `E_NETWORK_BRIDGE`, `E_NETWORK_TAP`, `E_NETWORK_MTU`,
 * `E_NETWORK`; or the signal's reason
 */
export async function startHolder({ mtu, outbound, from, env, signal }: HolderOptions): Promise<Holder> {
  if (!Number.isInteger(mtu) || mtu < smallestMtu || mtu > largestMtu) throw badMtu(mtu);
  const child = await spawnBound({
    program: jobnetProgram,
    args: [
      ...['hold', String(process.pid), String(mtu)],
      ...[outbound === undefined ? 'none' : formatCidr(outbound), typeof from === 'string' ? from : from.tap],
    ],
    env,
    descriptors: from === 'stream' ? ['pipe', 'pipe'] : ['pipe'],
    phase: 'network',
  });
  try {
    await ready(child, signal);
  } catch (error) {
    await child.kill();
    throw error;
  }
  let wanted = true;
  const { promise: lost, resolve } = Promise.withResolvers<VtorqueError>();
  void child.ended.then((end) => {
    if (wanted) resolve(networkLost('the process that holds it', end, child.stderr.lines));
  });
  return {
    pid: child.pid,
    stream: child.sockets[1],
    lost,
    [Symbol.asyncDispose]: async () => {
      wanted = false;
      for (const socket of child.sockets) socket.destroy();
      await child.kill();
    },
  };
}

/** It says one word when all is there. */
async function ready(child: BoundProcess, signal: AbortSignal | undefined): Promise<void> {
  const [lifetime] = child.sockets;
  const said = new Promise<void>((resolve) => {
    lifetime?.once('data', () => resolve());
  });
  // A dying process resets its connections; that it ended is what is told.
  for (const socket of child.sockets) socket.on('error', () => {});
  const ended = child.ended.then((end): never => {
    throw jobnetFailure(end, child.stderr.lines);
  });
  const late = (): Error =>
    new VtorqueError('E_NETWORK', `Cannot set up the job's network: it was not there within ${READY_MS / 1000} s`, {
      hint: 'The node is overloaded, or its kernel hangs',
      phase: 'network',
    });
  await within(Promise.race([said, ended]), { ms: READY_MS, late, signal });
}
