import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { messageOf, VtorqueError } from '../base/index.ts';
import type { GuestAgent } from '../guest/linux/index.ts';
import type { GuestSystem } from '../image/index.ts';
import { slirpAddresses } from '../network/index.ts';
import { guestNodeFile, type PlannedVm } from '../plan/index.ts';
import { inside } from '../storage/index.ts';
import type { JobContext } from './context.ts';
import type { ShareMount } from './shares.ts';

/** mount(2)'s flags, from linux/mount.h. */
const MS = { RDONLY: 1, NOSUID: 2, NODEV: 4, BIND: 4096 } as const;
/** Devices that are on the command line are there when the kernel is up; this is for slow machines. */
const deviceWaitMs = 30_000;

export interface GuestIdentity {
  readonly context: JobContext;
  readonly guest: GuestSystem;
  readonly vm: PlannedVm;
  readonly mounts: readonly ShareMount[];
  /** The user's script, byte for byte. */
  readonly script: Uint8Array;
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
  const script = `/run/vtorque/${basename(identity.scriptPath)}`;
  const work: Promise<unknown>[] = [];
  const then = (call: Promise<unknown>): void => {
    // All are awaited together below; until then none may count as an unhandled rejection.
    call.catch(() => {});
    work.push(call);
  };

  // Before anything of the job runs: a clone must not repeat another's random numbers, nor live in the past.
  then(agent.reseed(randomBytes(256)));
  then(agent.setClock(BigInt(Date.now()) * 1_000_000n));
  for (const group of moduleGroups(guest, mounts)) then(agent.loadModules(group));
  mountRoot(agent, guest, then);
  for (const mount of mounts) mountShare(agent, mount, then);
  then(agent.setHostname(vm.name));
  for (const [path, text] of await systemFiles(vm, guest)) then(agent.writeFile(path, text, rootFile));
  for (const { name, gid } of owner.groups) then(agent.ensureGroup({ name, gid, members: [owner.name] }));
  then(agent.ensureAccount({ ...owner, gecos: '' }));
  const { address, gateway } = slirpAddresses;
  then(agent.configureNet({ iface: 'eth0', address, gateway, waitMs: deviceWaitMs }));
  then(agent.mkdir('/run/vtorque', { mode: 0o755, uid: 0, gid: 0 }));
  then(agent.writeFile(script, identity.script, { mode: 0o700, uid: owner.uid, gid: owner.gid }));
  const nodeFile = nodeFileIn(identity);
  then(agent.mkdir(dirname(nodeFile), { mode: 0o755, uid: 0, gid: 0 }));
  then(agent.writeFile(nodeFile, guestNodeFile([vm]), rootFile));

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
  return shared ? '/run/vtorque/nodefile' : context.nodeFile;
}

const rootFile = { mode: 0o644, uid: 0, gid: 0 } as const;

function moduleGroups(guest: GuestSystem, mounts: readonly ShareMount[]): string[] {
  const types = new Set<string>(mounts.map(({ type }) => type));
  return ['net', ...(guest.kind === 'host' ? ['9p', 'overlay'] : ['disk']), ...types];
}

function mountRoot(agent: GuestAgent, guest: GuestSystem, then: (call: Promise<unknown>) => void): void {
  const waitMs = deviceWaitMs;
  const run = { path: '/run', options: 'mode=755' };
  if (guest.kind === 'disk') {
    const { device, type } = guest.rootFs ?? { device: '/dev/vda', type: 'ext4' };
    then(agent.mount({ source: device, target: '/new', type, flags: 0, options: '', waitMs }));
    then(agent.makeRoot({ kind: 'direct', directories: [run] }));
    return;
  }
  const options = 'trans=virtio,version=9p2000.L,msize=512000,cache=loose,access=client';
  then(agent.mount({ source: 'host', target: '/lower', type: '9p', flags: MS.RDONLY, options, waitMs }));
  // The node's own temporary files and run-time state are its own business.
  const hidden = [run, { path: '/tmp', options: 'mode=1777' }, { path: '/var/tmp', options: 'mode=1777' }];
  then(agent.makeRoot({ kind: 'overlay', directories: hidden }));
}

function mountShare(
  agent: GuestAgent,
  { tag, type, targets }: ShareMount,
  then: (call: Promise<unknown>) => void,
): void {
  const [first = '', ...others] = targets;
  const options = type === '9p' ? 'trans=virtio,version=9p2000.L,msize=512000,cache=mmap,access=client' : '';
  const flags = MS.NOSUID | MS.NODEV;
  then(agent.mount({ source: tag, target: first, type, flags, options, waitMs: deviceWaitMs }));
  for (const target of others) {
    then(agent.mount({ source: first, target, type: '', flags: MS.BIND, options: '', waitMs: 0 }));
  }
}

/** Files of the guest's system that differ from guest to guest. */
async function systemFiles(vm: PlannedVm, guest: GuestSystem): Promise<[string, string][]> {
  const own = `127.0.0.1\tlocalhost\n127.0.1.1\t${vm.name}\n::1\tlocalhost ip6-localhost ip6-loopback\n`;
  // A guest on the node's system keeps the node's view of the site; its own names come first.
  const site = guest.kind === 'host' ? await readFile('/etc/hosts', 'utf8').catch(() => '') : '';
  const resolver = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  const domains = resolver.split('\n').filter((line) => /^(search|domain|options)\s/.test(line));
  return [
    ['/etc/hostname', `${vm.name}\n`],
    ['/etc/hosts', own + site],
    ['/etc/resolv.conf', [`nameserver ${slirpAddresses.dns}`, ...domains, ''].join('\n')],
    ['/etc/machine-id', `${randomBytes(16).toString('hex')}\n`],
  ];
}
