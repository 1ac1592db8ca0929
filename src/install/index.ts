export { type SlurmSetting, slurmSettings } from './hooks/slurm.ts';
export { torqueHookPlaces } from './hooks/torque.ts';
export { type Change, install } from './install.ts';
export { type InstallEngine, type Plan, planInstall, type Role } from './plan.ts';
export { releaseOf } from './tree.ts';
export { uninstall } from './uninstall.ts';
