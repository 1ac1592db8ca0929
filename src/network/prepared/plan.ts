import type { Link } from './links.ts';
import { type DeviceOwner, deviceAliases, deviceNames, MOST_TAPS, vniOf } from './names.ts';
import type { JobNetwork, Refused } from './types.ts';

/** What VXLAN over IPv4 adds to a frame's payload, in bytes. */
export const VXLAN_OVERHEAD = 50;

/** Of a network that leaves no machine: nothing on the way needs packets cut. */
const DEFAULT_MTU = 65_520;
/** What every network with IPv4 must carry (RFC 791). */
const LEAST_MTU = 576;
/** Of a tap, in Linux. */
const MOST_MTU = 65_521;
/** Ports below are root's, unless the machine says otherwise. */
const FIRST_USER_PORT = 1024;

export interface JobNetworkQuestion {
  readonly owner: DeviceOwner;
  /** As many taps. */
  readonly vms: number;
  /** 0: the largest that fits. */
  readonly mtu: number;
  /** IPv4 addresses of the other nodes of the job; those of this machine count for nothing. */
  readonly peers: readonly string[];
  readonly vxlan: {
    readonly range: readonly [first: number, last: number];
    readonly port: number;
    /** The device that leads to the other nodes. */
    readonly underlay: string;
  };
  /** All devices of this machine. */
  readonly links: readonly Link[];
  /** Identifiers that other jobs of this machine have. */
  readonly reserved: readonly { readonly vni: number; readonly port: number }[];
  /** The lowest port that any user may send from. */
  readonly firstUserPort: number;
}

/**
 * Which devices a job gets on this node, or why it gets none. All its nodes must come to the same identifier without asking one another, so one that is
 * taken here is a reason to refuse, and no other is tried. Pure.
 */
export function planJobNetwork(question: JobNetworkQuestion): JobNetwork | Refused {
  const { owner, links } = question;
  const { mtu: asked } = question;
  if (asked !== 0 && (asked < LEAST_MTU || asked > MOST_MTU)) {
    return { refused: `an MTU of ${asked} cannot be: ${LEAST_MTU} to ${MOST_MTU} can` };
  }
  const names = deviceNames(owner);
  const aliases = deviceAliases(owner);
  const count = Math.min(question.vms, MOST_TAPS);
  const taps = Array.from({ length: count }, (_, i) => names.tap(i + 1));
  const own = new Set(links.flatMap(({ addresses }) => addresses));
  const peers = [...new Set(question.peers)].filter((address) => !own.has(address)).sort();
  const wanted = new Map([
    [names.bridge, aliases.job],
    ...(peers.length > 0 ? [[names.vxlan, aliases.job] as const] : []),
    ...[...taps, names.gatewayTap].map((name) => [name, aliases.place] as const),
  ]);
  const taken = links.find(({ name, alias }) => wanted.has(name) && wanted.get(name) !== alias);
  if (taken !== undefined) return { refused: `there is a device "${taken.name}" that is not this job's` };
  const { bridge, gatewayTap } = names;
  if (peers.length === 0) return { bridge, taps, gatewayTap, mtu: asked || DEFAULT_MTU };
  const underlay = planUnderlay(question, aliases.job);
  if ('refused' in underlay) return underlay;
  const { vni, local, mtu } = underlay;
  const { port, underlay: device } = question.vxlan;
  return { bridge, taps, gatewayTap, mtu, vxlan: { device: names.vxlan, vni, port, underlay: device, local, peers } };
}

function planUnderlay(
  { owner, mtu: asked, vxlan, links, reserved, firstUserPort }: JobNetworkQuestion,
  alias: string,
): { readonly vni: number; readonly local: string; readonly mtu: number } | Refused {
  const { port, range } = vxlan;
  const device = links.find(({ name }) => name === vxlan.underlay);
  if (device === undefined) return { refused: `there is no device "${vxlan.underlay}"` };
  if (!device.up) return { refused: `the device "${device.name}" is down` };
  const [local] = device.addresses;
  if (local === undefined) return { refused: `the device "${device.name}" has no IPv4 address` };
  const most = device.mtu - VXLAN_OVERHEAD;
  if (asked > most || most < LEAST_MTU) {
    const wanted = asked > most ? asked : LEAST_MTU;
    return {
      refused: `the MTU of "${device.name}" is ${device.mtu}: ${wanted} needs ${wanted + VXLAN_OVERHEAD} there`,
    };
  }
  if (firstUserPort < FIRST_USER_PORT) {
    return { refused: `users may send from port ${firstUserPort}: frames of root's could not be told from theirs` };
  }
  const others = links.filter((link) => link.kind === 'vxlan' && link.port === port && link.alias !== alias);
  const foreign = others.find((link) => !link.alias?.startsWith('vtorque:job:'));
  if (foreign !== undefined) {
    return { refused: `port ${port} is that of the VXLAN "${foreign.name}", which is not ours` };
  }
  const vni = vniOf(owner, range);
  const clash =
    others.some((link) => link.vni === vni) || reserved.some((each) => each.vni === vni && each.port === port);
  if (clash) return { refused: `another job has the network identifier ${vni} here` };
  return { vni, local, mtu: asked || most };
}
