export { slurmSettings } from './hooks/slurm.ts';
export { torqueHookPlaces } from './hooks/torque.ts';
export { type Change, install } from './install.ts';
export { type InstallEngine, planInstall, type Role } from './plan.ts';
export { isOfOthers } from './record.ts';
export { releaseOf } from './tree.ts';
export { uninstall } from './uninstall.ts';
