import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { messageOf, VtorqueError } from '../../base/index.ts';
import type { GuestAgent } from '../../guest/linux/index.ts';
import type { GuestSystem } from '../../image/index.ts';
import { slirpAddresses } from '../../network/index.ts';
import { guestNodeFile, type PlannedVm } from '../../plan/index.ts';
import { inside } from '../../storage/index.ts';
import type { VmSpec } from '../../vm/index.ts';
import type { JobContext } from './context.ts';
import { deviceWaitMs, type GuestKind, guestKind, jobDirectory, MS } from './kinds/index.ts';
import type { NodeSettings } from './node-settings.ts';
import { resolverFile } from './resolver-file.ts';
import type { ShareMount } from './shares.ts';

export interface GuestIdentity {
  readonly context: JobContext;
  readonly guest: GuestSystem;
  /** All of the job, by rank. */
  readonly vms: readonly PlannedVm[];
  /** This one. */
  readonly vm: PlannedVm;
  readonly mounts: readonly ShareMount[];
  readonly network: VmSpec['network'];
  readonly settings: Pick<NodeSettings, 'nameServers' | 'search'>;
  /** The user's script, byte for byte; none where it does not run. */
  readonly script: Uint8Array | undefined;
  /** Path of the submitted script on the host; the guest's copy has the same name. */
  readonly scriptPath: string;
}

/** Where the guest keeps what it was given for its job. */
export interface GuestFiles {
  readonly script: string;
  readonly nodeFile: string;
}

/**
 * Make a booted guest the job's own: root file system, shares, names, users, network, files.
 * The calls are sent without waiting for answers; the agent runs them in order.
 * @throws VtorqueError `E_GUEST_SETUP` with the first call that failed
 */
export async function setUpGuest(agent: GuestAgent, identity: GuestIdentity): Promise<GuestFiles> {
  const { context, guest, vm, mounts } = identity;
  const { owner } = context;
  const kind = guestKind(guest);
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
  await kind.prepare(agent, mounts, then, nodeFile);
  for (const mount of mounts) mountShare(agent, mount, then);
  then(agent.setHostname(vm.name));
  for (const [path, text] of await systemFiles(identity, kind)) then(agent.writeFile(path, text, rootFile));
  for (const { name, gid } of owner.groups) then(agent.ensureGroup({ name, gid, members: [owner.name] }));
  then(agent.ensureAccount({ ...owner, gecos: '' }));
  const { address, gateway } = slirpAddresses;
  if (identity.network === 'user' && kind.network === 'agent') {
    then(agent.configureNet({ iface: 'eth0', address, gateway, waitMs: deviceWaitMs }));
  }
  then(agent.mkdir(jobDirectory, { mode: 0o755, uid: 0, gid: 0 }));
  if (identity.script !== undefined) {
    then(agent.writeFile(script, identity.script, { mode: 0o700, uid: owner.uid, gid: owner.gid }));
  }
  then(agent.mkdir(dirname(nodeFile), { mode: 0o755, uid: 0, gid: 0 }));
  then(agent.writeFile(nodeFile, guestNodeFile(identity.vms), rootFile));

  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    throw new VtorqueError('E_GUEST_SETUP', `Cannot set up guest "${vm.name}": ${messageOf(failed.reason)}`, {
      phase: 'guest',
      cause: failed.reason,
    });
  }
  return { script, nodeFile };
}

/** Where the node file is on the host, unless that is in a share: there it would be the host's own. */
function nodeFileIn({ context, mounts }: GuestIdentity): string {
  const shared = mounts.some(({ targets }) => targets.some((target) => inside(context.nodeFile, target)));
  return shared ? `${jobDirectory}/nodefile` : context.nodeFile;
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
async function systemFiles({ vm, settings }: GuestIdentity, kind: GuestKind): Promise<[string, string][]> {
  const own = `127.0.0.1\tlocalhost\n127.0.1.1\t${vm.name}\n::1\tlocalhost ip6-localhost ip6-loopback\n`;
  const resolver = resolverFile(await readFile('/etc/resolv.conf', 'utf8').catch(() => ''), settings);
  return [
    ['/etc/hostname', `${vm.name}\n`],
    ['/etc/hosts', own + (await kind.siteHosts())],
    ['/etc/resolv.conf', resolver],
    ...(kind.machineId === 'fresh' ? [machineId()] : []),
  ];
}

function machineId(): [string, string] {
  return ['/etc/machine-id', `${randomBytes(16).toString('hex')}\n`];
}
