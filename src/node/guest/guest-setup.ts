import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { messageOf, VtorqueError, within } from '../../base/index.ts';
import type { GuestAgent } from '../../guest/linux/index.ts';
import type { GuestSystem } from '../../image/index.ts';
import { addressOf, type Cidr, formatAddress, type GuestNetwork } from '../../network/index.ts';
import { guestNodeFile, type PlannedVm } from '../../plan/index.ts';
import { inside } from '../../storage/index.ts';
import { ownBootId } from './boot-id.ts';
import type { JobContext } from './context.ts';
import { leaseAddress } from './dhcp.ts';
import { guestEnvironment, type Variables } from './environment/index.ts';
import { hostsFile } from './hosts-file.ts';
import { deviceWaitMs, type GuestKind, guestKind, jobDirectory, MS } from './kinds/index.ts';
import { limitsOfJob } from './limits.ts';
import type { NodeSettings } from './node-settings.ts';
import { resolverFile } from './resolver-file.ts';
import type { ShareMount } from './shares.ts';
import { atOpt, optBelongsAtOpt } from './site-opt.ts';
import {
  anyAddress,
  type JobSsh,
  type SshGuest,
  type SshServerState,
  startSshServer,
  writeSshFiles,
} from './ssh/index.ts';

export interface GuestIdentity {
  readonly context: JobContext;
  readonly guest: GuestSystem;
  /** Whether it is a clone of a template. */
  readonly cloned: boolean;
  /** As `distro=` calls it; undefined when nobody knows. */
  readonly distro: string | undefined;
  /** What the job brings into all of its VMs. */
  readonly variables: Variables;
  /** All of the job, by rank. */
  readonly vms: readonly PlannedVm[];
  /** This one. */
  readonly vm: PlannedVm;
  readonly mounts: readonly ShareMount[];
  /** Of the job's network, if there is one. */
  readonly subnet: Cidr | undefined;
  readonly network: GuestNetwork | undefined;
  /** Whether there is a disk for /data. */
  readonly dataDisk: boolean;
  readonly settings: Pick<NodeSettings, 'nameServers' | 'search' | 'storage'>;
  /** The user's script, byte for byte; none where it does not run. */
  readonly script: Uint8Array | undefined;
  /** Path of the submitted script on the host; the guest's copy has the same name. */
  readonly scriptPath: string;
  /** None where the job wants none. */
  readonly ssh: JobSsh | undefined;
}

/** Where the guest keeps what it was given for its job. */
export interface GuestFiles {
  readonly script: string;
  readonly nodeFile: string;
  /** None where the job wants none. */
  readonly sshServer: SshServerState | undefined;
}

/** With all that it may wait for in turn: the system of an image, its DHCP server. */
const SET_UP_MS = 600_000;

/**
 * Make a booted guest the job's own: root file system, shares, names, users, network, files.
 * @throws VtorqueError `E_GUEST_SETUP` with the first call that failed, or when the guest does not come to its end; `E_GUEST_ADDRESS`
 */
export async function setUpGuest(agent: GuestAgent, identity: GuestIdentity): Promise<GuestFiles> {
  // What waits in the guest's kernel, for a folder that is on a server which does not answer, waits for ever.
  const late = (): Error => notSetUp(identity, `it was not done within ${SET_UP_MS / 1000} s`);
  return within(setUp(agent, identity), { ms: SET_UP_MS, late });
}

function notSetUp({ vm }: GuestIdentity, state: string, cause?: unknown): VtorqueError {
  return new VtorqueError('E_GUEST_SETUP', `Cannot set up guest "${vm.name}": ${state}`, { phase: 'guest', cause });
}

/** The calls are sent without waiting for answers; the agent runs them in order. */
async function setUp(agent: GuestAgent, identity: GuestIdentity): Promise<GuestFiles> {
  const { context, vm, mounts } = identity;
  const { owner } = context;
  const kind = kindOf(identity);
  const script = `${jobDirectory}/${basename(identity.scriptPath)}`;
  const work: Promise<unknown>[] = [];
  const then = (call: Promise<unknown>): void => {
    // All are awaited together below; until then none may count as an unhandled rejection.
    call.catch(() => {});
    work.push(call);
  };

  // Before anything of the job runs: a clone must not repeat another's random numbers, nor live in the past.
  then(agent.reseed(randomBytes(256)));
  then(agent.setClock(BigInt(Date.now()) * 1_000_000n));
  const nodeFile = nodeFileIn(identity);
  if (identity.dataDisk && identity.guest.kind !== 'cloud') then(agent.loadModules('disk'));
  await kind.prepare(agent, mounts, then, nodeFile);
  for (const mount of mounts) mountShare(agent, mount, then);
  then(agent.setHostname(vm.name));
  for (const [path, text] of await systemFiles(identity, kind)) then(agent.writeFile(path, text, rootFile));
  for (const { name, gid } of owner.groups) then(agent.ensureGroup({ name, gid, members: [owner.name] }));
  then(agent.ensureAccount({ ...owner, gecos: '' }));
  const asks = identity.network !== undefined && identity.network.address === undefined && kind.network === 'agent';
  if (identity.network?.address !== undefined && kind.network === 'agent') {
    const { address, outside } = identity.network;
    const gateway = outside?.gateway ?? '';
    then(agent.configureNet({ iface: 'eth0', address, gateway, waitMs: deviceWaitMs }));
  }
  then(agent.mkdir(jobDirectory, { mode: 0o755, uid: 0, gid: 0 }));
  if (identity.cloned) ownBootId(agent, then);
  if (identity.script !== undefined) {
    then(agent.writeFile(script, identity.script, { mode: 0o700, uid: owner.uid, gid: owner.gid }));
  }
  then(agent.mkdir(dirname(nodeFile), { mode: 0o755, uid: 0, gid: 0 }));
  then(agent.writeFile(nodeFile, guestNodeFile(identity.vms), rootFile));
  for (const path of emptyFiles(identity)) {
    then(agent.mkdir(dirname(path), { mode: 0o755, uid: 0, gid: 0 }));
    then(agent.writeFile(path, '', rootFile));
  }

  const ssh = identity.ssh === undefined ? undefined : sshGuest(identity, identity.ssh, nodeFile);
  if (ssh !== undefined) writeSshFiles(agent, ssh, then);
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw notSetUp(identity, messageOf(failed.reason), failed.reason);
  if (asks) await leaseAddress(agent, vm.name, identity.settings.nameServers.length > 0);
  if (await optBelongsAtOpt(agent, identity)) {
    await agent.mount({ ...atOpt, flags: MS.BIND, options: '', waitMs: 0 });
  }
  if (ssh === undefined) return { script, nodeFile, sshServer: undefined };
  const limits = await limitsOfJob(agent, context.env);
  return { script, nodeFile, sshServer: await startSshServer(agent, ssh, { limits, umask: context.umask }) };
}

function sshGuest(identity: GuestIdentity, ssh: JobSsh, nodeFile: string): SshGuest {
  const { context, vms, vm, subnet, network } = identity;
  const address = (rank: number) => (subnet === undefined ? undefined : formatAddress(addressOf(subnet, rank)));
  const leased = network !== undefined && network.address === undefined;
  return {
    ...{ owner: context.owner, ssh, address: leased ? anyAddress : address(vm.rank) },
    hosts: vms.map(({ name, rank }) => ({ name, address: address(rank) })),
    environment: guestEnvironment(identity, { nodeFile }),
  };
}

function kindOf({ guest, cloned }: GuestIdentity): GuestKind {
  const kind = guestKind(guest);
  return cloned ? { ...kind, ...kind.cloned } : kind;
}

/** Where the node file is on the host, unless that is in a share: there it would be the host's own. */
function nodeFileIn(identity: GuestIdentity): string {
  const { nodeFile } = identity.context;
  return isShared(nodeFile, identity) ? `${jobDirectory}/nodefile` : nodeFile;
}

/** The batch system's lists of devices of the node, which are where its node file is: a VM has none of these. */
function emptyFiles(identity: GuestIdentity): string[] {
  const { variables, context } = identity;
  const { PBS_GPUFILE, PBS_MICFILE } = variables;
  const paths = [PBS_GPUFILE, PBS_MICFILE].filter((path) => path !== undefined);
  return paths.filter((path) => dirname(path) === dirname(context.nodeFile) && !isShared(path, identity));
}

function isShared(path: string, { mounts }: GuestIdentity): boolean {
  return mounts.some(({ targets }) => targets.some((target) => inside(path, target)));
}

const rootFile = { mode: 0o644, uid: 0, gid: 0 } as const;

function mountShare(
  agent: GuestAgent,
  { tag, type, targets, aliases = [], readonly }: ShareMount,
  then: (call: Promise<unknown>) => void,
): void {
  const [first = '', ...others] = targets;
  const options = type === '9p' ? 'trans=virtio,version=9p2000.L,msize=512000,cache=mmap,access=client' : '';
  const flags = MS.NOSUID | MS.NODEV | (readonly ? MS.RDONLY : 0);
  then(agent.mount({ source: tag, target: first, type, flags, options, waitMs: deviceWaitMs }));
  const bind = (source: string, target: string): void =>
    then(agent.mount({ source, target, type: '', flags: MS.BIND, options: '', waitMs: 0 }));
  for (const target of others) bind(first, target);
  for (const { real, path } of aliases) bind(real, path);
}

/** Files of the guest's system that differ from guest to guest. */
async function systemFiles(identity: GuestIdentity, kind: GuestKind): Promise<[string, string][]> {
  const { vm, vms, subnet, network, settings } = identity;
  // It has asked a DHCP server by itself, which has told it name servers.
  const asked = kind.network === 'system' && network !== undefined && network.address === undefined;
  const leftToGuest = asked && settings.nameServers.length === 0;
  const ofNode = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  return [
    ['/etc/hostname', `${vm.name}\n`],
    ['/etc/hosts', hostsFile(vm, vms, subnet, await kind.siteHosts())],
    ...(leftToGuest
      ? []
      : [['/etc/resolv.conf', resolverFile(ofNode, network?.outside?.dns, settings)] as [string, string]]),
    ...(kind.machineId === 'fresh' ? [machineId()] : []),
  ];
}

function machineId(): [string, string] {
  return ['/etc/machine-id', `${randomBytes(16).toString('hex')}\n`];
}
