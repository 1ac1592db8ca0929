import { createHash } from 'node:crypto';
import type { DeviceOwner, Link, Refused, SiteNetwork } from '../prepared/index.ts';
import { deviceNames } from '../prepared/index.ts';

export interface SiteNetworkQuestion {
  readonly owner: DeviceOwner;
  readonly bridge: string;
  readonly vms: number;
  readonly links: readonly Link[];
  /** Slots of this node that other jobs have. */
  readonly taken: ReadonlySet<number>;
  /** Slots that this job has had until now: it keeps them. */
  readonly kept: readonly number[];
  /** The hardware address of a slot, from 1; several at once. */
  readonly macs: (slots: readonly number[]) => Promise<readonly string[]>;
  /** How many slots there are on this node; undefined: as many as are asked for. */
  readonly slots: number | undefined;
}

/** Which taps a job gets in the bridge of the site, or why it gets none. Asks nobody but `macs`. */
export async function planSiteNetwork(question: SiteNetworkQuestion): Promise<SiteNetwork | Refused> {
  const { owner, bridge, vms, links, taken, kept, macs } = question;
  const device = links.find(({ name }) => name === bridge);
  if (device?.kind !== 'bridge') return { refused: `"${bridge}" is no bridge of this node` };
  const slots = freeSlots(taken, kept, vms, question.slots);
  if (slots.length === 0) return { refused: `other jobs have all ${question.slots} addresses of this node` };
  const found = await macs(slots);
  const odd = found.find((mac) => !isStationAddress(mac));
  if (odd !== undefined) return { refused: `"${odd}" is no hardware address of a machine` };
  const twice = found.find((mac, at) => found.indexOf(mac) < at);
  if (twice !== undefined) return { refused: `two VMs would have the hardware address ${twice}` };
  const names = deviceNames(owner);
  const taps = slots.map((slot, at) => ({ ifname: names.siteTap(at + 1), mac: found[at] ?? '', slot }));
  const clash = links.find(
    ({ name, alias }) => taps.some(({ ifname }) => ifname === name) && !alias?.startsWith('vtorque:'),
  );
  if (clash !== undefined) return { refused: `there is a device "${clash.name}" that is not this job's` };
  return { bridge, taps, mtu: device.mtu };
}

/** Those that the job has, then the lowest that nobody has, from 1 to `most`. Pure. */
export function freeSlots(
  taken: ReadonlySet<number>,
  kept: readonly number[],
  wanted: number,
  most: number = Number.POSITIVE_INFINITY,
): number[] {
  const free = kept.filter((slot) => !taken.has(slot) && slot <= most).slice(0, wanted);
  for (let slot = 1; free.length < wanted && slot <= most; slot++) {
    if (!taken.has(slot) && !free.includes(slot)) free.push(slot);
  }
  return free.sort((a, b) => a - b);
}

/**
 * The hardware address of a slot of a node: always the same, so that a DHCP server needs as many addresses as there are slots, and not one more for
 * each job. Pure.
 */
export function slotMac(node: string, slot: number): string {
  const digest = createHash('sha256').update(`${node} ${slot}`).digest('hex');
  // Locally administered, of one machine.
  return ['02', ...(digest.match(/../g) ?? []).slice(0, 5)].join(':');
}

/** Of one machine, not of a group, and not of nobody. Pure. */
export function isStationAddress(mac: string): boolean {
  return /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(mac) && mac !== '00:00:00:00:00:00';
}
