import { join } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import type { InstallEngine } from '../install/index.ts';

/** Where batch systems have their files, on this machine. */
export interface EnginePlaces {
  readonly torqueHome: string;
  readonly pbsConf: string;
  readonly slurmConf: string;
}

/**
 * The batch system whose files are on this machine; the embedded one where there are none.
 * @throws VtorqueError `E_ENGINE_AMBIGUOUS` for files of several: hooks would be put into one that may be out of use
 */
export function engineOfFiles(places: EnginePlaces, exists: (path: string) => boolean): InstallEngine {
  const { torqueHome, pbsConf, slurmConf } = places;
  const traces: readonly (readonly [InstallEngine, string])[] = [
    ['torque', join(torqueHome, 'mom_priv')],
    ['torque', join(torqueHome, 'server_priv')],
    ['openpbs', pbsConf],
    ['slurm', slurmConf],
  ];
  const found = new Map<InstallEngine, string>();
  for (const [engine, path] of traces) if (!found.has(engine) && exists(path)) found.set(engine, path);
  const [first, ...others] = found.keys();
  if (others.length === 0) return first ?? 'embedded';
  const named = [...found].map(([engine, path]) => `${engine} ("${path}")`).join(', ');
  throw new VtorqueError(
    'E_ENGINE_AMBIGUOUS',
    `Cannot choose the batch system: there are files of several on this machine: ${named}`,
    { hint: `Say which one is used: ${[...found.keys()].map((engine) => `--engine ${engine}`).join(', or ')}` },
  );
}
