export { existing, type JobContext, type JobOwner, readOwner, shortName } from './context.ts';
export type { GuestFiles, GuestIdentity } from './guest-setup.ts';
export { jobDirectory } from './kinds/index.ts';
export { type NodeGuest, type NodeGuestOptions, type StartStep, startNodeGuest } from './node-guest.ts';
export { tearDown } from './tear-down.ts';
