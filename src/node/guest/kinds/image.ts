import type { ImageGuest } from '../../../image/index.ts';
import { directlyBooted, loadModules, run } from './direct.ts';
import { deviceWaitMs, type GuestKind } from './kind.ts';

/** An image with a kernel of its own beside it, booted by the agent. */
export function imageGuest({ kernel, initrd, disk, rootFs }: ImageGuest): GuestKind {
  return {
    ...directlyBooted,
    machine: { boot: { kind: 'direct', kernel, initrd }, disk, shares: [] },
    siteHosts: async () => '',
    prepare: async (agent, mounts, then) => {
      loadModules(agent, ['disk'], mounts, then);
      const { device, type } = rootFs;
      then(agent.mount({ source: device, target: '/new', type, flags: 0, options: '', waitMs: deviceWaitMs }));
      then(agent.makeRoot({ kind: 'direct', directories: [run] }));
    },
  };
}
