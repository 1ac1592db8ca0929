import { readFileSync, realpathSync } from 'node:fs';
import type { Env } from '../../base/index.ts';

const PBS_CONF = '/etc/pbs.conf';

/** Where OpenPBS is installed, as its configuration says; undefined without that. */
export function pbsExec(env: Env): string | undefined {
  return placeOf('PBS_EXEC', env);
}

/** Where the daemon of this node keeps its files; undefined where there is no such directory. */
export function pbsMomHome(env: Env): string | undefined {
  return placeOf('PBS_MOM_HOME', env) ?? placeOf('PBS_HOME', env);
}

function placeOf(name: string, env: Env): string | undefined {
  try {
    const text = readFileSync(env.PBS_CONF_FILE || PBS_CONF, 'utf8');
    const [, path] = new RegExp(`^\\s*${name}=["']?([^\\s"']+)`, 'm').exec(text) ?? [];
    return path === undefined ? undefined : realpathSync(path);
  } catch {
    return undefined;
  }
}
