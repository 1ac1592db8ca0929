import { existsSync } from 'node:fs';
import { VtorqueError } from '../../base/index.ts';
import { splitWords } from '../../pbs/index.ts';
import { at, OPTIONS_VARIABLE, parseVmValue, type VmSetting } from '../../request/index.ts';
import type { SiteConfig } from '../../site/config/index.ts';
import { configFile, userDefaultsFile } from '../../site/config-files.ts';
import { type ScriptRequest, vsubLineValues } from './script-requests.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The requests in the variable `VSUB_OPTIONS`: words as behind `#VSUB`.
 * @throws VtorqueError `E_VM_SYNTAX` (exit code 2)
 */
export function readEnvironmentRequests(env: Env): string[] {
  const text = env[OPTIONS_VARIABLE];
  if (text === undefined || text.trim() === '') return [];
  try {
    return vsubLineValues(splitWords(text), `${OPTIONS_VARIABLE}:`);
  } catch (error) {
    if (!(error instanceof VtorqueError)) throw error;
    // A quote that is not closed is qsub's own error in a script; here it is ours.
    const { message, hint = 'Write -vm KEY=VALUE[,KEY=VALUE...]' } = error;
    throw at(
      { kind: 'environment' },
      new VtorqueError('E_VM_SYNTAX', message.replace(/^qsub: /, `Cannot read ${OPTIONS_VARIABLE}: `), {
        ...{ hint, phase: 'check', exitCode: 2 },
      }),
    );
  }
}

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

/** The site's configuration; undefined when there is none, and then nothing of it is loaded either. */
export async function siteConfig(env: Env, uid: number): Promise<SiteConfig | undefined> {
  const file = configFile(env, uid);
  // A file that was named and is missing must be told about.
  if (!existsSync(file) && file === configFile({}, uid)) return undefined;
  const { loadConfig } = await import('../../site/config/index.ts');
  return loadConfig(env, uid);
}

/** The user's own defaults. */
export async function userDefaults(env: Env): Promise<VmSetting[]> {
  if (!existsSync(userDefaultsFile(env))) return [];
  const { loadUserDefaults } = await import('../../site/config/index.ts');
  return loadUserDefaults(env);
}
