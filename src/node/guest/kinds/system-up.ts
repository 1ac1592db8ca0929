import type { GuestAgent } from '../../../guest/linux/index.ts';
import { runInGuest } from './run-in-guest.ts';

/** The rest of the system's own start, after which the job goes on all the same: some systems never count as started. */
const systemUpWithinMs = 120_000;

/** cloud-init starts the agent early; what the job may need (D-Bus, name services) starts after it. */
export async function systemUp(agent: GuestAgent): Promise<void> {
  const script = 'if [ -d /run/systemd/system ]; then systemctl is-system-running --wait; fi';
  await runInGuest(agent, ['/bin/sh', '-c', script], systemUpWithinMs);
}
