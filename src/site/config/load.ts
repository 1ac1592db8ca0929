import { readFile } from 'node:fs/promises';
import { type Env, fileReason, VtorqueError } from '../../base/index.ts';
import { type Origin, type VmSetting, withOrigin } from '../../request/index.ts';
import { CONFIG_VARIABLE, configFile, userDefaultsFile } from '../config-files.ts';
import { type ConfigProblem, type ReadConfig, readConfig, readDefault } from './read.ts';
import { SiteConfig } from './site-config.ts';
import { isTable, parseToml } from './toml.ts';

/**
 * The site's configuration as it holds for this process.
 * @throws VtorqueError `E_CONFIG_SYNTAX`, `E_CONFIG` when something in it is wrong, `E_CONFIG_READ`
 */
export async function loadConfig(env: Env, uid: number): Promise<SiteConfig> {
  const read = await readConfigFile(configFile(env, uid), { named: uid !== 0 && Boolean(env[CONFIG_VARIABLE]) });
  if (read === undefined) return new SiteConfig();
  const errors = read.problems.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return new SiteConfig(read);
  throw new VtorqueError(
    'E_CONFIG',
    `Cannot use the configuration "${read.file}": ${errors.length === 1 ? 'an error' : `${errors.length} errors`} in it`,
    {
      hint: `Tell the admin; all about it says: vtorque config check ${read.file}`,
      phase: 'check',
      details: errors.slice(0, 5).map(problemText),
    },
  );
}

/**
 * Read and check a file.
 * @param named somebody asked for this file: that it is missing is an error
 * @returns undefined when there is none
 */
export async function readConfigFile(file: string, { named }: { named: boolean }): Promise<ReadConfig | undefined> {
  const text = await readText(file, named);
  return text === undefined ? undefined : readConfig(await parseToml(text, file));
}

/** One line for a person: `line 3: policy.max_ram: ...`. */
export function problemText({ line, key, reason }: ConfigProblem): string {
  return `${line === undefined ? '' : `line ${line}: `}${key}: ${reason}`;
}

/**
 * The user's own defaults: the table `[vm]` of his file.
 * @throws VtorqueError as `parseVmValue` with file and line, `E_CONFIG_SYNTAX`, `E_CONFIG`, `E_CONFIG_READ`
 */
export async function loadUserDefaults(env: Env): Promise<VmSetting[]> {
  const file = userDefaultsFile(env);
  const text = await readText(file, false);
  if (text === undefined) return [];
  const toml = await parseToml(text, file);
  const other = Object.keys(toml.table).find((name) => name !== 'vm');
  const { vm = {} } = toml.table;
  if (other !== undefined || !isTable(vm)) {
    const line = toml.lineOf([other ?? 'vm']);
    throw new VtorqueError(
      'E_CONFIG',
      `Cannot use "${file}": ${other === undefined ? '"vm" is no table' : `there is no such table as "${other}"`}`,
      {
        hint: 'Write the keys of -vm behind a line [vm], for instance ram = "2G"',
        phase: 'check',
        ...(line === undefined ? {} : { details: [`in line ${line}`] }),
      },
    );
  }
  return Object.entries(vm).flatMap(([key, value]) => {
    const line = toml.lineOf(['vm', key]);
    const origin: Origin = { kind: 'user defaults', file, ...(line === undefined ? {} : { line }) };
    try {
      return readDefault(key, value, origin);
    } catch (error) {
      const located = error instanceof VtorqueError && error.details.length > 0;
      throw error instanceof VtorqueError && !located ? withOrigin(error, origin) : error;
    }
  });
}

async function readText(file: string, named: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' && !named) return undefined;
    throw new VtorqueError('E_CONFIG_READ', `Cannot read "${file}": ${fileReason(cause)}`, {
      hint: 'Check that the file is there and may be read',
      phase: 'check',
      cause,
    });
  }
}
