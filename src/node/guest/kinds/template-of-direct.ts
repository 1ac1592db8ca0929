import { setTimeout as delay } from 'node:timers/promises';
import { VtorqueError } from '../../../base/index.ts';
import type { GuestAgent } from '../../../guest/linux/index.ts';

/** What guests of any image load before they have a root file system. */
const groups = ['net', 'disk', '9p', 'overlay', 'virtiofs'];

/** A guest that waits in its initial RAM disk becomes the template of all images with this kernel. */
export const templateOfDirect = {
  name: `tidy, drivers ${groups.join(' ')}`,
  prepare: async (agent: GuestAgent): Promise<void> => {
    // A kernel of the user's own may not have all of them.
    await Promise.allSettled(groups.map((group) => agent.loadModules(group)));
    await checkNothingOfAJob(agent);
    await agent.tidy(tidiedMost);
    await delay(settlesWithinMs);
  },
};

/** The kernel gives out first what it has used and freed while it booted: all that there is of that. To go through a whole memory would take long. */
const tidiedMost = 64 * 1024 ** 2;
/** What the kernel has put off, such as freeing what modules began with, is done once and not in every clone. */
const settlesWithinMs = 300;

/** There are the kernel's own file systems, and no other. */
async function checkNothingOfAJob(agent: GuestAgent): Promise<void> {
  const own = new Set(['rootfs', 'proc', 'sysfs', 'devtmpfs', 'devpts', 'tmpfs']);
  const mounts = (await agent.readFile('/proc/self/mounts')).toString('latin1').split('\n').filter(Boolean);
  const further = mounts.filter((line) => !own.has(line.split(' ')[2] ?? ''));
  if (further.length === 0) return;
  throw new VtorqueError('E_TEMPLATE', "Cannot keep a template: its guest has mounted more than the kernel's own", {
    phase: 'vm-start',
    details: further,
  });
}
