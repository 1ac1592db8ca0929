import { existsSync } from 'node:fs';
import type { Env } from '../../base/index.ts';
import type { EngineName } from '../../engine/index.ts';
import { parseVmValue, type VmSetting } from '../../request/index.ts';
import type { SiteConfig } from '../../site/config/index.ts';
import { configFile, userDefaultsFile } from '../../site/config-files.ts';
import type { ScriptRequest } from './script-requests.ts';

export interface Requests {
  readonly commandLine: readonly string[];
  readonly script: readonly ScriptRequest[];
  readonly environment: readonly string[];
}

/** What was asked for with this job, checked; in no order. */
export function askedSettings({ commandLine, script, environment }: Requests): VmSetting[] {
  return [
    ...environment.flatMap((value) => parseVmValue(value, { kind: 'environment' })),
    ...script.flatMap(({ value, origin }) => parseVmValue(value, origin)),
    ...commandLine.flatMap((value) => parseVmValue(value)),
  ];
}

// Not through the room's index: what translates and documents the configuration is of no use here.

/** The site's configuration; undefined when there is none, and then nothing of it is loaded either. */
export async function siteConfig(env: Env, uid: number): Promise<SiteConfig | undefined> {
  const file = configFile(env, uid);
  // A file that was named and is missing must be told about.
  if (!existsSync(file) && file === configFile({}, uid)) return undefined;
  const { loadConfig } = await import('../../site/config/load.ts');
  return loadConfig(env, uid);
}

/** The user's own defaults. */
export async function userDefaults(env: Env): Promise<VmSetting[]> {
  if (!existsSync(userDefaultsFile(env))) return [];
  const { loadUserDefaults } = await import('../../site/config/load.ts');
  return loadUserDefaults(env);
}

/** Which batch system the site says it is. */
export async function configuredEngine(env: Env): Promise<EngineName | 'auto'> {
  return (await siteConfig(env, process.getuid?.() ?? 0))?.value('engine.name') ?? 'auto';
}
