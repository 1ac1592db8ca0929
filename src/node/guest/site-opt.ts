import type { GuestAgent } from '../../guest/linux/index.ts';
import type { GuestIdentity } from './guest-setup.ts';
import { runInGuest } from './kinds/run-in-guest.ts';
import { sitePlaces } from './site-folders.ts';

/** The cluster's software where it is on the nodes of many sites. */
export const atOpt = { source: sitePlaces.opt, target: '/opt', type: '' } as const;

const looksWithinMs = 60_000;

/**
 * Whether a guest has the cluster's software as /opt, too. The node's own system has what it has there; an image's own software must not be hidden, unless the
 * site says so.
 */
export async function optBelongsAtOpt(
  agent: GuestAgent,
  { guest, mounts, settings }: Pick<GuestIdentity, 'guest' | 'mounts' | 'settings'>,
): Promise<boolean> {
  const { optAtOpt } = settings.storage;
  const shared = mounts.some(({ targets }) => targets.includes(sitePlaces.opt));
  if (!shared || guest.kind === 'host' || optAtOpt === 'never') return false;
  if (optAtOpt === 'always') return true;
  const { output } = await runInGuest(agent, ['ls', '-A', '/opt'], looksWithinMs);
  // What ls says of a directory that is not there is no file in it.
  return output.length === 0 || output.every((line) => line.startsWith('ls: '));
}
