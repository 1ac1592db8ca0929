import type { GuestAgent } from '../../../guest/linux/index.ts';
import type { ShareDevice, VmSpec } from '../../../vm/index.ts';
import type { ShareMount } from '../shares.ts';

/** What a guest's kind makes different in starting it and in making it the job's own. */
export interface GuestKind {
  /** What its machine boots, and what it needs besides the job's own devices. */
  readonly machine: Pick<VmSpec, 'boot' | 'disk'> & { readonly shares: readonly ShareDevice[] };
  /** Milliseconds from the start of QEMU until its agent answers at the latest, on a loaded node without KVM. */
  readonly readyWithinMs: number;
  /** `agent`: it gives the guest its address; `system`: the guest's own system has done so. */
  readonly network: 'agent' | 'system';
  /** `fresh`: it gets a new one, which programs like D-Bus want; `own`: its system has seen to that when it started. */
  readonly machineId: 'fresh' | 'own';
  /** What goes into the guest's /etc/hosts behind its own names: what the node knows of the site. */
  readonly siteHosts: () => Promise<string>;
  /** What is done in a guest that becomes a template, under a name that changes with it. */
  readonly template: { readonly name: string; readonly prepare: (agent: GuestAgent) => Promise<void> };
  /** What is different where a guest of this kind is a clone. */
  readonly cloned?: Partial<Pick<GuestKind, 'network' | 'machineId' | 'prepare'>>;
  /**
   * Have the root file system, the drivers of the shares and an empty `/run/vtorque` there. Calls of the agent may be handed to `then`
   * instead of being waited for; they run in order.
   */
  prepare(
    agent: GuestAgent,
    mounts: readonly ShareMount[],
    then: (call: Promise<unknown>) => void,
    nodeFile: string,
  ): Promise<void>;
}

/** mount(2)'s flags, from linux/mount.h. */
export const MS = { RDONLY: 1, NOSUID: 2, NODEV: 4, REMOUNT: 32, BIND: 4096 } as const;
/** Devices that are on the command line are there when the kernel is up; this is for slow machines. */
export const deviceWaitMs = 30_000;

/** Where the guest keeps what belongs to its job. */
export const jobDirectory = '/run/vtorque';
