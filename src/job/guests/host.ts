import { readFile } from 'node:fs/promises';
import type { HostGuest } from '../../image/index.ts';
import { directlyBooted, loadModules, run } from './direct.ts';
import { deviceWaitMs, type GuestKind, MS } from './kind.ts';

/** The node's own system: its root directory, read-only, below an overlay in the guest's memory. */
export function hostGuest({ kernel, initrd }: HostGuest): GuestKind {
  return {
    ...directlyBooted,
    machine: {
      boot: { kind: 'direct', kernel, initrd },
      shares: [{ transport: '9p', tag: 'host', source: '/', readonly: true }],
    },
    // The guest keeps the node's view of the site; its own names come first.
    siteHosts: () => readFile('/etc/hosts', 'utf8').catch(() => ''),
    prepare: async (agent, mounts, then) => {
      loadModules(agent, ['9p', 'overlay'], mounts, then);
      const options = 'trans=virtio,version=9p2000.L,msize=512000,cache=loose,access=client';
      const flags = MS.RDONLY;
      then(agent.mount({ source: 'host', target: '/lower', type: '9p', flags, options, waitMs: deviceWaitMs }));
      // The node's own temporary files and run-time state are its own business.
      const hidden = [run, { path: '/tmp', options: 'mode=1777' }, { path: '/var/tmp', options: 'mode=1777' }];
      then(agent.makeRoot({ kind: 'overlay', directories: hidden }));
    },
  };
}
