export { trialWith } from './accelerate.ts';
export { existing, type JobContext, readOwner } from './context.ts';
export { environmentReference, guestEnvironment, jobVariables, type Variables } from './environment/index.ts';
export { guestGroups } from './guest-groups.ts';
export type { GuestFiles, GuestIdentity } from './guest-setup.ts';
export {
  type HookEnd,
  type HookedJob,
  type HookOrders,
  type HookReports,
  hookTime,
  readSiteHooks,
  type UserHook,
  type UserHookName,
} from './hooks/index.ts';
export { jobDirectory } from './kinds/index.ts';
export { limitsOfJob } from './limits.ts';
export { planNetwork } from './network-plan.ts';
export type { NodeGuest, StartStep } from './node-guest.ts';
export { type NodeGuests, type NodeGuestsOptions, startNodeGuests } from './node-guests.ts';
export { nodeSettings } from './node-settings.ts';
export { type JobSsh, newSshKey, serverProgram } from './ssh/index.ts';
export { tearDown } from './tear-down.ts';
export { warmAhead } from './warm-ahead.ts';
export { templateStores } from './warm-start.ts';
