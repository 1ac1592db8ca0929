import { createHash } from 'node:crypto';

/** Whose devices are meant. Both texts say it in full and may be long. */
export interface DeviceOwner {
  /** The run of the job, the same on all its nodes. */
  readonly job: string;
  /** The same on this node: one machine may be several nodes of a batch system. */
  readonly place: string;
}

/** What the kernel allows a device's name, without the byte that ends it. */
export const LONGEST_DEVICE_NAME = 15;

/** Names of all devices that root makes for jobs begin so, and of no others that are known (`vti0` is a tunnel). */
export const DEVICE_PREFIX = 'vtq';

/** As many taps as names can be made for. */
export const MOST_TAPS = 999;

/** Names of the devices of a job on a node. Bridge and VXLAN are shared by all nodes of the job on this machine. */
export interface DeviceNames {
  readonly bridge: string;
  readonly vxlan: string;
  /** Of what connects the job with the world outside. */
  readonly gatewayTap: string;
  /** @param number of the VM on its node, from 1 to `MOST_TAPS` */
  tap(number: number): string;
  /** A tap in the site's own bridge. */
  siteTap(number: number): string;
}

/** Names are made of hashes, so that they fit; that a device is the job's, its alias says in full. Pure. */
export function deviceNames({ job, place }: DeviceOwner): DeviceNames {
  const ofJob = `${DEVICE_PREFIX}${hashOf(job).slice(0, 8)}`;
  const ofPlace = `${DEVICE_PREFIX}${hashOf(place).slice(0, 8)}`;
  return {
    bridge: `${ofJob}b`,
    vxlan: `${ofJob}x`,
    gatewayTap: `${ofPlace}g`,
    tap: (number) => `${ofPlace}t${number}`,
    siteTap: (number) => `${ofPlace}s${number}`,
  };
}

/** Aliases that the devices of a job carry: by them, and not by their names alone, they are known. Pure. */
export function deviceAliases({ job, place }: DeviceOwner): { readonly job: string; readonly place: string } {
  return { job: `vtorque:job:${hashOf(job)}`, place: `vtorque:place:${hashOf(place)}` };
}

/** First of the numbers of groups of devices that are ours: people count theirs from 1. */
const FIRST_GROUP = 2 ** 30;

/** Groups of devices that are removed at once, which takes a fraction of the time. Pure. */
export function deviceGroups({ job, place }: DeviceOwner): { readonly job: string; readonly place: string } {
  const groupOf = (text: string): string => String(FIRST_GROUP + (Number.parseInt(hashOf(text).slice(0, 8), 16) >>> 2));
  return { job: groupOf(`job ${job}`), place: groupOf(`place ${place}`) };
}

/**
 * The VXLAN network identifier of a job, the same on all its nodes without any word between them. Pure.
 * @param range first and last one that may be used
 */
export function vniOf({ job }: Pick<DeviceOwner, 'job'>, range: readonly [first: number, last: number]): number {
  const [first, last] = range;
  return first + (Number.parseInt(hashOf(`vni ${job}`).slice(0, 12), 16) % (last - first + 1));
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
