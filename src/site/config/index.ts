export { CONFIG_VARIABLE, configFile, systemConfigFile, userDefaultsFile } from '../config-files.ts';
export { importConfig2018 } from './import-2018.ts';
export { type ConfigName, configKey, configNames } from './keys.ts';
export { loadConfig, loadUserDefaults, readConfigFile } from './load.ts';
export { checkPolicy, type PolicyCase } from './policy.ts';
export type { ConfigProblem, Holder } from './read.ts';
export { configReference } from './reference.ts';
export { type Effective, SiteConfig, type Where } from './site-config.ts';
export { matchesAny } from './types.ts';
