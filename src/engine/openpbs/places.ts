import { readFileSync, realpathSync } from 'node:fs';

const PBS_CONF = '/etc/pbs.conf';

/** Where OpenPBS is installed, as its configuration says; undefined without that. */
export function pbsExec(env: Readonly<Record<string, string | undefined>>): string | undefined {
  try {
    const [, path] = /^\s*PBS_EXEC=["']?([^\s"']+)/m.exec(readFileSync(env.PBS_CONF_FILE || PBS_CONF, 'utf8')) ?? [];
    return path === undefined ? undefined : realpathSync(path);
  } catch {
    return undefined;
  }
}
