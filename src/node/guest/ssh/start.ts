import { dirname } from 'node:path';
import { type ExecSpec, type GuestAgent, GuestCallError } from '../../../guest/linux/index.ts';
import type { JobOwner } from '../context.ts';
import { runInGuest } from '../kinds/run-in-guest.ts';
import {
  anyAddress,
  clientConfig,
  knownHosts,
  refusingClientConfig,
  type SshHost,
  serverConfig,
  sshDirectory,
  sshPaths,
} from './files.ts';
import type { SshKey } from './key.ts';

/** What the VMs of a job log in to each other with. Made anew for each run of a job, and never on a disk of a node. */
export interface JobSsh {
  /** The owner's, for every VM. */
  readonly user: SshKey;
  /** The one host key of all VMs. */
  readonly host: SshKey;
}

export interface SshGuest {
  readonly owner: JobOwner;
  /** Of this VM, for those who come through the network. */
  readonly address: string | undefined;
  /** All of the job. */
  readonly hosts: readonly SshHost[];
  readonly ssh: JobSsh;
  /** Variables of sessions. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Of every distribution. It wants to be called by its whole path. */
export const sshServer = '/usr/sbin/sshd';
const system = '/etc/ssh/ssh_config';
const fragments = '/etc/ssh/ssh_config.d';
const rootOnly = { mode: 0o600, uid: 0, gid: 0 } as const;
const readable = { mode: 0o644, uid: 0, gid: 0 } as const;
/** On a slow guest, beside whatever else it starts. */
const withinMs = 60_000;

/** Write everything that server and clients in a guest need. The calls are handed to `then`. */
export function writeSshFiles(agent: GuestAgent, guest: SshGuest, then: (call: Promise<unknown>) => void): void {
  const { owner, hosts, ssh, environment } = guest;
  // The owner's programs open their files here by name; nobody lists it.
  then(agent.mkdir(sshDirectory, { mode: 0o711, uid: 0, gid: 0 }));
  then(agent.mkdir(sshPaths.authorized, { mode: 0o755, uid: 0, gid: 0 }));
  then(agent.writeFile(sshPaths.server, serverConfig({ owner, environment }), rootOnly));
  then(agent.writeFile(sshPaths.hostKey, ssh.host.privateKey, rootOnly));
  then(agent.writeFile(`${sshPaths.authorized}/${owner.name}`, `${ssh.user.publicKey}\n`, readable));
  then(agent.writeFile(sshPaths.identity, ssh.user.privateKey, { mode: 0o600, uid: owner.uid, gid: owner.gid }));
  then(agent.writeFile(sshPaths.knownHosts, knownHosts(hosts, ssh.host.publicKey), readable));
  // The directory that Debian's server wants to be empty in; other systems have theirs.
  then(agent.mkdir('/run/sshd', { mode: 0o755, uid: 0, gid: 0 }));
  then(writeClientConfig(agent, clientConfig(hosts)));
}

/** For all users of the guest, by the system's own file: the home directory is shared with the host. */
async function writeClientConfig(agent: GuestAgent, text: string): Promise<void> {
  const own = await agent.readFile(system).then(String, () => '');
  if (new RegExp(`^\\s*Include\\s.*${fragments}/\\*`, 'mi').test(own)) {
    await agent.batch((guest) => [
      guest.mkdir(fragments, { mode: 0o755, uid: 0, gid: 0 }),
      guest.writeFile(`${fragments}/00-vtorque.conf`, text, readable),
    ]);
    return;
  }
  await agent.batch((guest) => [
    guest.mkdir(dirname(system), { mode: 0o755, uid: 0, gid: 0 }),
    guest.writeFile(system, text + own, readable),
  ]);
}

/** Whether others can log in to a guest, or why they cannot. */
export type SshServerState = 'listens' | { readonly why: string };

/** What sessions have from the server. */
type OfSessions = Pick<ExecSpec, 'limits' | 'umask'>;

/**
 * Have the guest's agent start the server of the guest's own system for each who comes: without KVM its start is the
 * longest part of that of a VM, and most jobs never need it. A guest without one goes on without, and who tries to reach
 * it is told so. The files are there.
 * @throws VtorqueError when the guest is gone
 */
export async function startSshServer(
  agent: GuestAgent,
  { address, hosts }: SshGuest,
  ofSessions: OfSessions,
): Promise<SshServerState> {
  // Nodes to which nobody may log in have this file; the job's owner may log in to his VM.
  if (await isThere(agent, '/etc/nologin')) await runInGuest(agent, ['rm', '-f', '/etc/nologin'], withinMs);
  try {
    await agent.batch((guest) =>
      addressesOf(address).map((at) =>
        guest.serve({ address: at, port: 22, program: { ...serverProgram(['-E', sshPaths.log]), ...ofSessions } }),
      ),
    );
    return 'listens';
  } catch (error) {
    if (!(error instanceof GuestCallError)) throw error;
    const why = error.errno === 'ENOENT' ? `it has no ${sshServer}` : error.message;
    await writeClientConfig(agent, refusingClientConfig(hosts, why));
    return { why };
  }
}

/**
 * The server for one connection, which is its standard input and output.
 * @param log options that say where it tells of clients
 */
export function serverProgram(log: readonly string[]) {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
  return { argv: [sshServer, '-i', ...log, '-f', sshPaths.server], env, uid: 0, gid: 0, groups: [] };
}

function addressesOf(address: string | undefined): string[] {
  if (address === anyAddress) return [address];
  // The last is what the name of a machine without a network leads to.
  return [...(address === undefined ? [] : [address]), '127.0.0.1', '127.0.1.1'];
}

async function isThere(agent: GuestAgent, path: string): Promise<boolean> {
  return agent.call('read', [path, '0', '1']).then(
    () => true,
    (error: unknown) => {
      if (error instanceof GuestCallError) return false;
      throw error;
    },
  );
}
