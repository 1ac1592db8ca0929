import { KILL_MS } from '../kinds/run-in-guest.ts';

/** A script of the user's for his VMs, as it was when the job was submitted. */
export interface UserHook {
  /** Of the file. */
  readonly name: string;
  readonly base64: string;
  /** In which VMs it runs; the first is that of rank 0, where the job's script runs. */
  readonly where: 'all' | 'first';
}

/** What the user can have run in his VMs besides his script; the names of its keys. */
export type UserHookName = 'vm_prologue' | 'vm_epilogue';

/** What the site can have run in each VM, by the names of its files. */
export const siteHookNames = [
  'prologue',
  'prologue.parallel',
  'epilogue',
  'epilogue.parallel',
  'epilogue.precancel',
] as const;
export type SiteHookName = (typeof siteHookNames)[number];
export type HookName = UserHookName | SiteHookName;

/** What hooks are told of the job in their arguments, besides what every VM knows. */
export interface HookedJob {
  /** As `-l` asked for them: `nodes=1:ppn=2,walltime=1:00:00`. */
  readonly resources: string;
  /** Of `-A`; empty without. */
  readonly account: string;
}

/** Which hooks a job has in its VMs. It travels to its other nodes. */
export interface HookOrders {
  /** Absolute: the site's hooks are in it on every node. Empty: the site has none. */
  readonly directory: string;
  readonly user: Readonly<Partial<Record<UserHookName, UserHook>>>;
  /** Seconds. */
  readonly limits: Readonly<Record<'prologue' | 'epilogue' | 'precancel', number>>;
  readonly job: HookedJob;
  /** Directory on the first node where what they print is kept. */
  readonly logs: string;
}

/** A hook has ended, or could not be run. */
export interface HookEnd {
  readonly vm: string;
  readonly hook: HookName;
  /** `ended with exit code 3`. */
  readonly how: string;
  readonly good: boolean;
}

/** Where news of hooks go. */
export interface HookReports {
  /** What a hook printed; bounded. @param file name of its log */
  log(file: string, bytes: Buffer): void;
  ended(end: HookEnd): void;
}

/** Whether there is anything to run at all. Pure. */
export function hasHooks({ directory, user }: HookOrders): boolean {
  return directory !== '' || Object.keys(user).length > 0;
}

/** Milliseconds that hooks may take in a VM before the script, and behind it. Pure. */
export function hookTime(orders: HookOrders): { readonly beforeMs: number; readonly afterMs: number } {
  const { directory, user, limits } = orders;
  const count = (name: UserHookName): number => (directory === '' ? 0 : 1) + (user[name] === undefined ? 0 : 1);
  return {
    beforeMs: count('vm_prologue') * (limits.prologue * 1000 + KILL_MS),
    // The one of a cancelled job may run when they are due.
    afterMs:
      count('vm_epilogue') * (limits.epilogue * 1000 + KILL_MS) +
      (directory === '' ? 0 : limits.precancel * 1000 + KILL_MS),
  };
}
