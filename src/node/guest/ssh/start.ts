import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, VtorqueError, within } from '../../../base/index.ts';
import type { ExecSpec, GuestAgent, GuestProcess } from '../../../guest/linux/index.ts';
import type { JobOwner } from '../context.ts';
import { runInGuest } from '../kinds/run-in-guest.ts';
import {
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
/** Clients try again for longer than that. */
const aloneAfterMs = 1000;

/** Write everything that server and clients in a guest need. The calls are handed to `then`. */
export function writeSshFiles(agent: GuestAgent, guest: SshGuest, then: (call: Promise<unknown>) => void): void {
  const { owner, address, hosts, ssh, environment } = guest;
  const config = { owner, address, environment };
  // The owner's programs open their files here by name; nobody lists it.
  then(agent.mkdir(sshDirectory, { mode: 0o711, uid: 0, gid: 0 }));
  then(agent.mkdir(sshPaths.authorized, { mode: 0o755, uid: 0, gid: 0 }));
  then(agent.writeFile(sshPaths.server, serverConfig(config), rootOnly));
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

/** The server of a guest, which runs until the guest ends. */
export interface SshServer {
  /** Resolves when others can log in; with the reason when they cannot. Never rejects. */
  readonly state: Promise<'listens' | { readonly why: string }>;
}

/** What sessions have from the server. */
type OfSessions = Pick<ExecSpec, 'limits' | 'umask'>;

/**
 * Start the server of the guest's own system, without waiting for it. A guest without one goes on without, and who tries
 * to reach it is told so.
 */
export function startSshServer(agent: GuestAgent, guest: SshGuest, ofSessions: OfSessions): SshServer {
  const { hosts } = guest;
  const state = start(agent, guest, ofSessions).then(
    () => 'listens' as const,
    async (error: unknown) => {
      const why = messageOf(error);
      await writeClientConfig(agent, refusingClientConfig(hosts, why)).catch(() => {});
      return { why };
    },
  );
  return { state };
}

/** @throws Error with the reason when it does not listen */
async function start(
  agent: GuestAgent,
  { hosts, address = '127.0.0.1' }: SshGuest,
  ofSessions: OfSessions,
): Promise<void> {
  // Where nobody waits for it, the script is first: without KVM a server takes its time to start.
  if (hosts.length === 1) await delay(aloneAfterMs, undefined, { ref: false });
  // Nodes to which nobody may log in have this file; the job's owner may log in to his VM.
  runInGuest(agent, ['rm', '-f', '/etc/nologin'], withinMs).catch(() => {});
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
  const argv = [sshServer, '-D', '-e', '-f', sshPaths.server];
  await listens(agent.exec({ argv, env, uid: 0, gid: 0, groups: [], ...ofSessions }), address);
}

/** @throws Error with the reason when it does not */
async function listens({ stdout, stderr, exit }: GuestProcess, address: string): Promise<void> {
  const there = Promise.withResolvers<void>();
  let last = '';
  // Read to their end, as long as it runs.
  stdout.resume();
  const lines = createInterface({ input: stderr });
  // It ends with the guest, and why that has ended others tell.
  lines.on('error', () => {});
  lines.on('line', (line) => {
    last = line.trim();
    if (last === `Server listening on ${address} port 22.`) there.resolve();
    if (last.includes(`Bind to port 22 on ${address} failed`)) there.reject(new Error(last));
  });
  const ended = exit.then(
    () => Promise.reject(new Error(`its ${sshServer} ended: ${last}`)),
    (error: unknown) => Promise.reject(isMissing(error) ? new Error(`it has no ${sshServer}`) : error),
  );
  const late = (): Error => new Error(`its ${sshServer} does not listen after ${withinMs / 1000} s`);
  await within(Promise.race([there.promise, ended]), { ms: withinMs, late });
}

function isMissing(error: unknown): boolean {
  return error instanceof VtorqueError && error.code === 'E_GUEST_EXEC';
}
