import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Env } from '../base/index.ts';

/** The checkout or installation that this file belongs to. */
export const installRoot: string = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** Whether this runs in a checkout: an installation has no source. */
export function isCheckout(): boolean {
  return existsSync(join(installRoot, 'src'));
}

/** Programs and libraries of our own that the set-up compiles. */
export const programsDirectory: string = join(installRoot, 'build/bin');

/** The guest agent for guests of this machine's architecture. */
export const agentProgram: string = join(programsDirectory, 'agent');

/** Where vTorque keeps things on one machine. All are absolute. */
export interface Places {
  /** Images and the embedded batch system's state. */
  readonly data: string;
  /** What can be made again: kernels, initial RAM disks, probe results. */
  readonly cache: string;
  /** Records of the user's jobs. */
  readonly state: string;
}

/** The machine's own places: written by root, read by all. */
export const systemPlaces: Places = {
  data: '/var/lib/vtorque',
  cache: '/var/cache/vtorque',
  state: '/var/lib/vtorque/state',
};

/** The places of one user, by the XDG base directory rules. */
export function userPlaces(env: Env): Places {
  const home = env.HOME || homedir();
  const under = (variable: string, fallback: string): string =>
    join(env[variable]?.startsWith('/') ? env[variable] : join(home, fallback), 'vtorque');
  return {
    data: under('XDG_DATA_HOME', '.local/share'),
    cache: under('XDG_CACHE_HOME', '.cache'),
    state: under('XDG_STATE_HOME', '.local/state'),
  };
}

/** Where this process may write: the machine's places as root, the user's own otherwise. */
export function ownPlaces(env: Env, uid: number): Places {
  return uid === 0 ? systemPlaces : userPlaces(env);
}

/** Where leases are: as root those of the machine's jobs, otherwise of a batch system of the user's own. */
export function leasesDirectory(env: Env, uid: number): string {
  return join(uid === 0 ? systemPlaces.data : userPlaces(env).state, 'leases');
}

/** Where this process looks, first match wins: what root provided, then what the user made himself. */
export function placesToRead(env: Env, uid: number): readonly Places[] {
  return uid === 0 ? [systemPlaces] : [systemPlaces, userPlaces(env)];
}
