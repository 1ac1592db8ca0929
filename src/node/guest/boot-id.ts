import { randomUUID } from 'node:crypto';
import type { GuestAgent } from '../../guest/linux/index.ts';
import { jobDirectory, MS } from './kinds/index.ts';

const ofTheKernel = '/proc/sys/kernel/random/boot_id';

/**
 * Give a clone an identity of its own for this boot: its kernel has the template's. Programs tell by it whether two processes are on one
 * machine, UCX among them. Sent without waiting for answers, when `/run/vtorque` is there.
 */
export function ownBootId(agent: GuestAgent, then: (call: Promise<unknown>) => void): void {
  const own = `${jobDirectory}/boot_id`;
  then(agent.writeFile(own, `${randomUUID()}\n`, { mode: 0o444, uid: 0, gid: 0 }));
  then(agent.mount({ source: own, target: ofTheKernel, type: '', flags: MS.BIND, options: '', waitMs: 0 }));
}
