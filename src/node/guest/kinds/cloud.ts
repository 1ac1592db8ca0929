import { VtorqueError } from '../../../base/index.ts';
import type { GuestAgent } from '../../../guest/linux/index.ts';
import type { CloudGuest } from '../../../image/index.ts';
import type { ShareMount } from '../shares.ts';
import { type GuestKind, jobDirectory, MS } from './kind.ts';
import { runInGuest } from './run-in-guest.ts';

/** The rest of the system's own start, after which the job goes on all the same: some systems never count as started. */
const systemUpWithinMs = 120_000;
const modulesWithinMs = 60_000;

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
      await loadDrivers(agent, mounts);
      // Of its own: systems mount /run with noexec, and the script is run from here.
      const flags = MS.NOSUID | MS.NODEV;
      const options = 'mode=755';
      then(agent.mount({ source: 'tmpfs', target: jobDirectory, type: 'tmpfs', flags, options, waitMs: 0 }));
    },
  };
}

/** cloud-init starts the agent early; what the job may need (D-Bus, name services) starts after it. */
async function systemUp(agent: GuestAgent): Promise<void> {
  const script = 'if [ -d /run/systemd/system ]; then systemctl is-system-running --wait; fi';
  await runInGuest(agent, ['/bin/sh', '-c', script], systemUpWithinMs);
}

async function loadDrivers(agent: GuestAgent, mounts: readonly ShareMount[]): Promise<void> {
  const types = new Set(mounts.map(({ type }) => type));
  for (const type of types) {
    const modules = type === '9p' ? ['9p', '9pnet_virtio'] : ['virtiofs'];
    const { ended, output } = await runInGuest(agent, ['modprobe', '-a', ...modules], modulesWithinMs);
    if (ended === 'exit code 0') continue;
    throw new VtorqueError('E_GUEST_DRIVER', `Cannot mount the shares: the image's kernel has no driver for ${type}`, {
      hint:
        type === '9p'
          ? 'Use an image with a full kernel; read-only mounts need 9p, and all do on a node where virtiofsd cannot run'
          : 'Use an image with a kernel of version 5.4 or newer',
      phase: 'guest',
      details: [`modprobe: ${ended}`, ...output],
    });
  }
}
