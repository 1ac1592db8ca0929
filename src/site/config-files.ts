import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Env } from '../base/index.ts';

/** The site's configuration, on submit hosts and on nodes. */
export const systemConfigFile = '/etc/vtorque/config.toml';

/** Names another file in its stead; for tests and trials. root does not look at it. */
export const CONFIG_VARIABLE = 'VTORQUE_CONFIG';

/** Which file holds for a user. */
export function configFile(env: Env, uid: number): string {
  const other = env[CONFIG_VARIABLE];
  return uid !== 0 && other ? other : systemConfigFile;
}

/** Where a user keeps what he wants for all his jobs. */
export function userDefaultsFile(env: Env): string {
  const base = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(env.HOME || homedir(), '.config');
  return join(base, 'vtorque/defaults.toml');
}
