import { VtorqueError } from '../../base/index.ts';
import { buildSteps, removeSteps } from './commands.ts';
import { firewall, type Networks } from './firewall.ts';
import type { Link } from './links.ts';
import { type DeviceOwner, deviceAliases } from './names.ts';
import { loadFirewall, runBatch, writeSettings } from './run.ts';

export interface BuildInput {
  readonly owner: DeviceOwner;
  /** Whose the taps are. */
  readonly uid: number;
  readonly own: Networks;
  /** Of all other jobs on this machine, and of this one on other nodes that are this machine. */
  readonly others: readonly Networks[];
  readonly links: readonly Link[];
}

/**
 * Make the devices of a job on this node. Nothing is up before the rules for it hold.
 * @throws Error with the words of what failed; then some of them may be there
 */
export async function buildNetworks({ owner, uid, own, others, links }: BuildInput): Promise<void> {
  const there = new Set(links.map(({ name }) => name));
  const steps = buildSteps(owner, uid, own, there);
  await runBatch('ip', steps.create);
  await writeSettings(steps.settings);
  await loadFirewall(firewall([...others, own], new Set([...there, ...devicesOf(own)])));
  await runBatch('bridge', steps.forwarding);
  await runBatch('ip', steps.up);
}

/**
 * What there is on this machine of a job on this node. What other nodes of the job on this machine use, too, is not among it. Pure.
 * @param own as it was put on record before anything was made: a device may have its name before it says whose it is
 */
export function leftOf(owner: DeviceOwner, own: Networks, others: readonly Networks[], links: readonly Link[]): Link[] {
  const aliases = deviceAliases(owner);
  const shared = new Set(others.flatMap(({ job }) => (job === undefined ? [] : [job.bridge, job.vxlan?.device])));
  const recorded = new Set(devicesOf(own));
  return links.filter(
    ({ name, alias }) =>
      !shared.has(name) &&
      (alias === aliases.place || alias === aliases.job || (alias === undefined && recorded.has(name))),
  );
}

/**
 * Remove the devices of a job on this node, whatever there is of them.
 * @throws VtorqueError `E_TOOL` with the words of what failed
 */
export async function removeNetworks(
  owner: DeviceOwner,
  own: Networks,
  others: readonly Networks[],
  links: readonly Link[],
): Promise<void> {
  const gone = leftOf(owner, own, others, links);
  await runBatch('ip', removeSteps(owner, gone, links));
  const left = new Set(links.filter((link) => !gone.includes(link)).map(({ name }) => name));
  await loadFirewall(firewall(others, left)).catch((error: unknown) => {
    // Where there is no nft there are no rules.
    if (!(error instanceof VtorqueError && error.code === 'E_TOOL_MISSING')) throw error;
  });
}

/** Pure. */
export function devicesOf({ job, site }: Networks): string[] {
  return [
    ...(job === undefined ? [] : [job.bridge, ...job.taps, job.gatewayTap]),
    ...(job?.vxlan === undefined ? [] : [job.vxlan.device]),
    ...(site?.taps.map(({ ifname }) => ifname) ?? []),
  ];
}

/** Whether all devices of a job on this node are there, and are its. Pure. */
export function isThere(owner: DeviceOwner, own: Networks, links: readonly Link[]): boolean {
  const aliases = deviceAliases(owner);
  const ofJob = new Set([own.job?.bridge, own.job?.vxlan?.device]);
  const byName = new Map(links.map((link) => [link.name, link]));
  return devicesOf(own).every((name) => {
    const link = byName.get(name);
    return link?.up === true && link.alias === (ofJob.has(name) ? aliases.job : aliases.place);
  });
}
