export type { GuestHooks } from './guest-hooks.ts';
export {
  type HookEnd,
  type HookedJob,
  type HookOrders,
  type HookReports,
  hookTime,
  type UserHook,
  type UserHookName,
} from './orders.ts';
export { readSiteHooks } from './site-hooks.ts';
export { type PreparedHooks, prepareHooks } from './start.ts';
