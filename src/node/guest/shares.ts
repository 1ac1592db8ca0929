import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { VtorqueError } from '../../base/index.ts';
import { describeEnd, type ProcessEnd } from '../../process/index.ts';
import type { VmRequest } from '../../request/index.ts';
import {
  planShares,
  type SharedDirectory,
  startVirtiofsd,
  type Transport,
  type TransportChoice,
  transportHere,
  type VirtiofsServer,
} from '../../storage/index.ts';
import type { ShareDevice } from '../../vm/index.ts';
import { JOB_MARK, jobMark, temporaryPrefix } from '../leases/lease.ts';
import { makeTemporary } from '../temporary.ts';
import type { JobContext } from './context.ts';
import { furtherShares } from './further-shares.ts';
import type { NodeSettings } from './node-settings.ts';
import { siteOpt, siteWorkspace } from './site-folders.ts';

/** One of the user's directories, as the guest mounts it. */
export interface ShareMount {
  readonly tag: string;
  readonly type: ShareDevice['transport'];
  readonly targets: readonly string[];
  /** Directories inside it that have another path as well. */
  readonly aliases?: readonly { readonly path: string; readonly real: string }[];
  readonly readonly: boolean;
}

/** The user's directories, being served. Disposing of it ends the servers and removes what they left. */
export interface JobShares extends AsyncDisposable {
  readonly devices: readonly ShareDevice[];
  readonly mounts: readonly ShareMount[];
  readonly choice: TransportChoice;
  /** QEMU has connected: nothing of the shares needs a name in the file system any more. */
  connected(): Promise<void>;
  /** Resolves when a server has ended by itself: a guest that uses its directory then waits for ever. */
  readonly lost: Promise<VtorqueError>;
  /** The first server that failed by itself, if one has. */
  failed(): VtorqueError | undefined;
}

/** When QEMU is killed, the servers of its shares end, too; a moment tells which was first. */
const orderMs = 500;
/** On a busy node a machine that its guest has ended takes its time to be gone. */
const machineEndsWithinMs = 10_000;

/** Unix socket addresses end here, and QEMU refuses longer ones. */
const longestSocketPath = 107;

/** A directory, how the guest gets it, and where. */
interface Share extends SharedDirectory {
  readonly transport: Transport;
  readonly readonly: boolean;
}

/**
 * Serve the directories that the job names to its VM, and those that the site has for all, with the rights of this process.
 * @param further folders that the job asked for besides
 * @param settings how, and which, as the site says
 * @param bind has the process of a server run where it should
 * @throws VtorqueError `E_SPAWN` when a server cannot be started, `E_MOUNT_SOURCE`, `E_MOUNT_TARGET`, `E_SITE_FOLDER`, `E_PINNING`
 */
export async function prepareShares(
  context: JobContext,
  further: Pick<VmRequest, 'mounts' | 'disk'>,
  { transport: wanted, storage }: Pick<NodeSettings, 'transport' | 'storage'>,
  bind: (pid: number) => Promise<void> = async () => {},
): Promise<JobShares> {
  const choice = await transportHere(context.owner, wanted);
  const wantedAnyway = [...context.directories, ...(await siteWorkspace(storage))];
  const own = planShares(wantedAnyway).map((directory) => ({ ...directory, readonly: false }));
  const opt = await siteOpt(storage, own);
  const shares: Share[] = [...own, ...opt, ...(await furtherShares(further, [...own, ...opt]))].map((share) => ({
    ...share,
    transport: share.readonly ? choice.readonlyTransport : choice.transport,
  }));
  const mounts = shares.map(({ transport: type, targets, aliases = [], readonly }, index) => ({
    ...{ tag: `share${index}`, type, targets, aliases, readonly },
  }));
  const servers = await serveByVirtiofs(shares, context, bind);
  const devices = shares.map(({ transport, source, readonly }, index): ShareDevice => {
    const tag = `share${index}`;
    return transport === '9p'
      ? { transport, tag, source, readonly }
      : { transport, tag, socket: servers.sockets.get(tag) ?? '' };
  });
  return { mounts, choice, devices, ...servers };
}

interface Servers extends Omit<JobShares, 'mounts' | 'choice' | 'devices'> {
  /** By tag. */
  readonly sockets: ReadonlyMap<string, string>;
}

const noServers: Servers = {
  sockets: new Map(),
  connected: async () => {},
  lost: Promise.withResolvers<VtorqueError>().promise,
  failed: () => undefined,
  [Symbol.asyncDispose]: async () => {},
};

async function serveByVirtiofs(
  shares: readonly Share[],
  { owner, env, key }: JobContext,
  bind: (pid: number) => Promise<void>,
): Promise<Servers> {
  if (shares.every(({ transport }) => transport !== 'virtiofs')) return noServers;
  // By its name whoever clears up after the job finds it.
  const prefix = temporaryPrefix(key);
  const room = join(tmpdir(), `${prefix}XXXXXX`, 'share00.sock.new').length < longestSocketPath;
  const directory = await makeTemporary(room ? tmpdir() : '/tmp', key);
  const servers = new Map<string, { source: string; server: VirtiofsServer }>();
  const release = async (): Promise<void> => {
    await Promise.all([...servers.values()].map(({ server }) => server.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const [index, { source, transport, readonly }] of shares.entries()) {
      if (transport !== 'virtiofs') continue;
      const { uid, gid } = owner;
      const own = { PATH: env.PATH ?? '', [JOB_MARK]: jobMark(key) };
      const name = `share${index}`;
      const server = await startVirtiofsd({ source, readonly, directory, name, uid, gid, env: own });
      servers.set(name, { source, server });
      await bind(server.process.pid);
    }
  } catch (error) {
    await release();
    throw error;
  }
  const failures: VtorqueError[] = [];
  const losses = [...servers.values()].map(async ({ server, source }) => {
    const end = await server.process.ended;
    const error = lossOf(server, source, end);
    // With 0 it ends when its machine has ended, which is then what went wrong, and is known a moment later.
    if (end.code !== 0) failures.push(error);
    await delay(end.code === 0 ? machineEndsWithinMs : orderMs, undefined, { ref: false });
    return error;
  });
  return {
    sockets: new Map([...servers].map(([tag, { server }]) => [tag, server.socket])),
    // The directory goes now, so that nothing is left of it even if this process is killed later.
    connected: () => rm(directory, { recursive: true, force: true }),
    lost: Promise.race(losses),
    failed: () => failures[0],
    [Symbol.asyncDispose]: release,
  };
}

function lossOf({ process }: VirtiofsServer, source: string, end: ProcessEnd): VtorqueError {
  return new VtorqueError('E_SHARE_LOST', `Cannot go on: the server of "${source}" ended ${describeEnd(end)}`, {
    phase: 'storage',
    details: process.stderr.lines,
  });
}
