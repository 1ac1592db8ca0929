import type { GuestAgent } from '../../../guest/linux/index.ts';
import type { ShareMount } from '../shares.ts';
import type { GuestKind } from './kind.ts';
import { templateOfDirect } from './template-of-direct.ts';

/** Guests whose process 1 is the agent, from the initial RAM disk that QEMU was given. */
export const directlyBooted = {
  readyWithinMs: 180_000,
  network: 'agent',
  machineId: 'fresh',
  template: templateOfDirect,
} as const satisfies Partial<GuestKind>;

/** The guest's own directory for run-time state. */
export const run = { path: '/run', options: 'mode=755,size=10%' } as const;

/** Load the modules of the network, of the root file system and of the shares. */
export function loadModules(
  agent: GuestAgent,
  groups: readonly string[],
  mounts: readonly ShareMount[],
  then: (call: Promise<unknown>) => void,
): void {
  const ofShares = new Set<string>(mounts.map(({ type }) => type));
  for (const group of new Set(['net', ...groups, ...ofShares])) then(agent.loadModules(group));
}
