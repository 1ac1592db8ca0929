import type { GuestHooks, HookedGuest } from './guest-hooks.ts';
import { type HookOrders, hasHooks } from './orders.ts';

/** Hooks that a guest is to have. */
export interface PreparedHooks {
  /** Whether there is one for the moment in which the job is to end by a signal. */
  readonly precancel: boolean;
  /**
   * Run the prologues of a guest that is set up.
   * @throws as `GuestHooks.start`
   */
  start(guest: Omit<HookedGuest, 'orders'>): Promise<GuestHooks>;
}

/**
 * Read the hooks of this node, before anything is started that may have to go because of them.
 * @param uid of the job's owner
 * @returns undefined where there are none
 * @throws VtorqueError `E_HOOK_FILE`
 */
export async function prepareHooks(orders: HookOrders, uid: number): Promise<PreparedHooks | undefined> {
  if (!hasHooks(orders)) return undefined;
  // What a job without hooks does not need, it does not load.
  const [{ GuestHooks }, { readSiteHooks }] = await Promise.all([
    import('./guest-hooks.ts'),
    import('./site-hooks.ts'),
  ]);
  const site = await readSiteHooks(orders.directory, uid);
  return { precancel: site.has('epilogue.precancel'), start: (guest) => GuestHooks.start({ ...guest, orders }, site) };
}
