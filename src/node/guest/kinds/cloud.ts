import { VtorqueError } from '../../../base/index.ts';
import type { GuestAgent } from '../../../guest/linux/index.ts';
import type { CloudGuest } from '../../../image/index.ts';
import type { ShareMount } from '../shares.ts';
import { nameInterface, templateOfCloud } from './cloud-clone.ts';
import { type GuestKind, jobDirectory, MS } from './kind.ts';
import { runInGuest } from './run-in-guest.ts';
import { systemUp } from './system-up.ts';

const modulesWithinMs = 60_000;
const sshWithinMs = 30_000;

/** The image's own server would answer in the network of the job by its own rules, and take the port of the job's. */
const stopOwnSsh =
  'if [ -d /run/systemd/system ]; then systemctl stop ssh.socket sshd.socket ssh.service sshd.service; fi';

/** An image that knows nothing of us: firmware and boot loader start its own system, cloud-init starts the agent in it. */
export function cloudGuest({ disk, seed }: CloudGuest): GuestKind {
  return {
    machine: { boot: { kind: 'disk', seed }, disk, shares: [] },
    // Python starts slowly under QEMU's translator, and cloud-init starts it several times.
    readyWithinMs: 900_000,
    network: 'system',
    machineId: 'own',
    siteHosts: async () => '',
    prepare: async (agent, mounts, then) => {
      await systemUp(agent);
      await runInGuest(agent, ['/bin/sh', '-c', stopOwnSsh], sshWithinMs);
      await prepareFor(agent, mounts, then);
    },
    template: templateOfCloud,
    cloned: {
      network: 'agent',
      machineId: 'fresh',
      prepare: async (agent, mounts, then) => {
        await nameInterface(agent);
        await prepareFor(agent, mounts, then);
      },
    },
  };
}

async function prepareFor(
  agent: GuestAgent,
  mounts: readonly ShareMount[],
  then: (call: Promise<unknown>) => void,
): Promise<void> {
  await loadDrivers(agent, mounts);
  // Of its own: systems mount /run with noexec, and the script is run from here.
  const flags = MS.NOSUID | MS.NODEV;
  const options = 'mode=755';
  then(agent.mount({ source: 'tmpfs', target: jobDirectory, type: 'tmpfs', flags, options, waitMs: 0 }));
}

async function loadDrivers(agent: GuestAgent, mounts: readonly ShareMount[]): Promise<void> {
  const loaded = (await agent.readFile('/proc/filesystems')).toString('latin1').split(/\s+/);
  const types = new Set(mounts.map(({ type }) => type).filter((type) => !loaded.includes(type)));
  for (const type of types) {
    const modules = type === '9p' ? ['9p', '9pnet_virtio'] : ['virtiofs'];
    const { ended, output } = await runInGuest(agent, ['modprobe', '-a', ...modules], modulesWithinMs);
    if (ended === 'exit code 0') continue;
    throw new VtorqueError('E_GUEST_DRIVER', `Cannot mount the shares: the image's kernel has no driver for ${type}`, {
      hint:
        type === '9p'
          ? 'Use an image with a full kernel: on this node virtiofsd cannot serve all folders'
          : 'Use an image with a kernel of version 5.4 or newer',
      phase: 'guest',
      details: [`modprobe: ${ended}`, ...output],
    });
  }
}
