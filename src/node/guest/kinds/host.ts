import { readFile } from 'node:fs/promises';
import type { HostGuest } from '../../../image/index.ts';
import { closedParents } from './closed-parents.ts';
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
    prepare: async (agent, mounts, then, nodeFile) => {
      loadModules(agent, ['9p', 'overlay'], mounts, then);
      const options = 'trans=virtio,version=9p2000.L,msize=512000,cache=loose,access=client';
      const flags = MS.RDONLY;
      then(agent.mount({ source: 'host', target: '/lower', type: '9p', flags, options, waitMs: deviceWaitMs }));
      // The node's own temporary files and run-time state are its own business.
      then(agent.makeRoot({ kind: 'overlay', upperOptions: room.upper, directories: hidden }));
      const remount = { flags: MS.REMOUNT | MS.NOSUID | MS.NODEV, options: room.shm, waitMs: 0 };
      then(agent.mount({ source: 'tmpfs', target: '/dev/shm', type: 'tmpfs', ...remount }));
      const places = mounts.flatMap(({ targets, aliases = [] }) => [...targets, ...aliases.map(({ path }) => path)]);
      for (const target of await closedParents([...places, nodeFile])) {
        const fresh = { flags: MS.NOSUID | MS.NODEV, options: 'mode=755,size=1m', waitMs: 0 };
        then(agent.mount({ source: 'tmpfs', target, type: 'tmpfs', ...fresh }));
      }
    },
  };
}

/**
 * How much of the guest's memory each of its file systems in memory may take. Together they leave enough to live on: a
 * guest whose memory is full of files cannot free any, and does nothing more.
 */
const room = { upper: 'size=20%', tmp: 'size=25%', varTmp: 'size=10%', shm: 'size=20%' } as const;

const hidden = [
  run,
  { path: '/tmp', options: `mode=1777,${room.tmp}` },
  { path: '/var/tmp', options: `mode=1777,${room.varTmp}` },
];
