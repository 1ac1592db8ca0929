import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import { describeEnd } from '../process/index.ts';
import {
  canMakeUserNamespace,
  chooseTransport,
  planShares,
  type SharedDirectory,
  startVirtiofsd,
  type TransportChoice,
  type VirtiofsServer,
  virtiofsdThere,
} from '../storage/index.ts';
import type { ShareDevice } from '../vm/index.ts';
import type { JobContext } from './context.ts';

/** One of the user's directories, as the guest mounts it. */
export interface ShareMount {
  readonly tag: string;
  readonly type: ShareDevice['transport'];
  readonly targets: readonly string[];
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
}

/** Unix socket addresses end here, and QEMU refuses longer ones. */
const longestSocketPath = 107;

/**
 * Serve the directories that the job names to its VM, with the rights of this process.
 * @throws VtorqueError `E_SPAWN` when a server cannot be started
 */
export async function prepareShares(context: JobContext): Promise<JobShares> {
  const { uid, gid } = context.owner;
  const choice = chooseTransport({
    virtiofsd: await virtiofsdThere(),
    userNamespaces: await canMakeUserNamespace(uid, gid),
  });
  const directories = planShares(context.directories);
  const mounts = directories.map(({ targets }, index) => ({ tag: `share${index}`, type: choice.transport, targets }));
  if (choice.transport === '9p') {
    const devices = directories.map(
      ({ source }, index): ShareDevice => ({ transport: '9p', tag: `share${index}`, source, readonly: false }),
    );
    const { promise: never } = Promise.withResolvers<VtorqueError>();
    return { devices, mounts, choice, connected: async () => {}, lost: never, [Symbol.asyncDispose]: async () => {} };
  }
  return { mounts, choice, ...(await serveByVirtiofs(directories, context)) };
}

async function serveByVirtiofs(
  directories: readonly SharedDirectory[],
  { owner, env }: JobContext,
): Promise<Omit<JobShares, 'mounts' | 'choice'>> {
  const room = join(tmpdir(), 'vtorque-XXXXXX', 'share00.sock.new').length < longestSocketPath;
  const directory = await mkdtemp(join(room ? tmpdir() : '/tmp', 'vtorque-'));
  const servers: VirtiofsServer[] = [];
  const release = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const [index, { source }] of directories.entries()) {
      const { uid, gid } = owner;
      const path = { PATH: env.PATH ?? '' };
      servers.push(await startVirtiofsd({ source, directory, name: `share${index}`, uid, gid, env: path }));
    }
  } catch (error) {
    await release();
    throw error;
  }
  return {
    devices: servers.map(({ socket }, index) => ({ transport: 'virtiofs', tag: `share${index}`, socket })),
    // The directory goes now, so that nothing is left of it even if this process is killed later.
    connected: () => rm(directory, { recursive: true, force: true }),
    lost: Promise.race(servers.map((server, index) => lossOf(server, directories[index]?.source ?? ''))),
    [Symbol.asyncDispose]: release,
  };
}

async function lossOf({ process }: VirtiofsServer, source: string): Promise<VtorqueError> {
  const end = await process.ended;
  return new VtorqueError('E_SHARE_LOST', `Cannot go on: the server of "${source}" ended ${describeEnd(end)}`, {
    phase: 'storage',
    details: process.stderr.lines,
  });
}
