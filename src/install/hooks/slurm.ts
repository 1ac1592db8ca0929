import { join } from 'node:path';

/** A setting that slurm.conf needs, and what it has. */
export interface SlurmSetting {
  readonly line: string;
  /** `missing`: to be added; `other`: the site has another value there. */
  readonly state: 'there' | 'missing' | 'other';
  /** The site's value, of `other`. */
  readonly value?: string;
}

/**
 * What slurm.conf needs, compared with its text. Nobody but the site changes that file.
 * @param current the link to the installed version, the same on all nodes
 */
export function slurmSettings(config: string, current: string): SlurmSetting[] {
  const present = settingsOf(config);
  const wanted: [string, string][] = [
    ['Prolog', join(current, 'libexec/slurm/prolog')],
    ['Epilog', join(current, 'libexec/slurm/epilog')],
    ['PrologFlags', 'Alloc,DeferBatch'],
    ['HealthCheckProgram', join(current, 'libexec/slurm/healthcheck')],
    ['HealthCheckInterval', '300'],
  ];
  return wanted.map(([name, value]) => {
    const values = present.get(name.toLowerCase()) ?? [];
    const line = `${name}=${value}`;
    if (values.some((there) => suffices(name, there, value))) return { line, state: 'there' };
    const [first] = values;
    return first === undefined ? { line, state: 'missing' } : { line, state: 'other', value: first };
  });
}

function suffices(name: string, there: string, wanted: string): boolean {
  if (name === 'HealthCheckInterval') return Number.parseInt(there, 10) > 0;
  if (name !== 'PrologFlags') return there === wanted;
  const flags = there.toLowerCase().split(',');
  return wanted.split(',').every((flag) => flags.includes(flag.toLowerCase()));
}

/** `Name=value` lines; names are in any case, a comment begins at `#`, and some names are there several times. */
function settingsOf(config: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of config.split('\n')) {
    const [, name = '', value = ''] = /^\s*(\w+)\s*=\s*([^#]*?)\s*(#.*)?$/.exec(line) ?? [];
    if (name !== '') found.set(name.toLowerCase(), [...(found.get(name.toLowerCase()) ?? []), value]);
  }
  return found;
}
