import type { Link } from './links.ts';
import { type DeviceOwner, deviceAliases, deviceGroups } from './names.ts';
import type { JobNetwork, SiteNetwork } from './types.ts';

/** Words of one line for `ip -batch` or `bridge -batch`. */
export type Command = readonly string[];

/** Ports of the sender that no ordinary user can send from; low ones are used by old services. */
const SOURCE_PORTS = ['512', '1023'];
/** The address in a forwarding table that stands for all that are not known. */
const ANYBODY = '00:00:00:00:00:00';

/** What is made, with every device down. Pure. */
export interface BuildSteps {
  readonly create: readonly Command[];
  /** Files below /proc/sys/net and what goes into them, before a device is up. Those of IPv6 need not be there. */
  readonly settings: readonly (readonly [file: string, value: string])[];
  /** For `bridge`: where unknown and broadcast frames go. */
  readonly forwarding: readonly Command[];
  readonly up: readonly Command[];
}

/**
 * How a network of a job comes about. Pure.
 * @param there names of devices that another node of the job on this machine has made already
 */
export function buildSteps(
  owner: DeviceOwner,
  uid: number,
  { job, site }: { readonly job?: JobNetwork | undefined; readonly site?: SiteNetwork | undefined },
  there: ReadonlySet<string>,
): BuildSteps {
  const labels = deviceLabels(owner);
  const parts: BuildSteps[] = [];
  if (job !== undefined) {
    const { bridge, taps, gatewayTap, mtu, vxlan } = job;
    if (!there.has(bridge)) parts.push(bridgeSteps(bridge, labels.job, mtu));
    if (vxlan !== undefined && !there.has(vxlan.device)) parts.push(vxlanSteps(job, vxlan, labels.job));
    for (const tap of taps) parts.push(tapSteps(tap, { uid, ofVm: true, bridge, mtu, label: labels.place }));
    // Programs that lead outside know neither several queues nor the header that comes with them.
    parts.push(tapSteps(gatewayTap, { uid, ofVm: false, bridge, mtu, label: labels.place }));
  }
  for (const { ifname } of site?.taps ?? []) {
    const { bridge = '', mtu = 0 } = site ?? {};
    parts.push(tapSteps(ifname, { uid, ofVm: true, bridge, mtu, label: labels.place }));
  }
  return {
    create: parts.flatMap(({ create }) => create),
    settings: parts.flatMap(({ settings }) => settings),
    forwarding: parts.flatMap(({ forwarding }) => forwarding),
    up: parts.flatMap(({ up }) => up),
  };
}

function bridgeSteps(bridge: string, label: Command, mtu: number): BuildSteps {
  return {
    create: [
      // Without snooping multicast reaches all guests, which IPv6 among them needs.
      [
        'link',
        'add',
        'name',
        bridge,
        'mtu',
        String(mtu),
        'type',
        'bridge',
        'forward_delay',
        '0',
        'mcast_snooping',
        '0',
      ],
      ['link', 'set', 'dev', bridge, ...label],
    ],
    settings: silence(bridge),
    forwarding: [],
    up: [['link', 'set', 'dev', bridge, 'up']],
  };
}

function vxlanSteps({ bridge, mtu }: JobNetwork, vxlan: NonNullable<JobNetwork['vxlan']>, label: Command): BuildSteps {
  const { device, vni, port, underlay, local, peers } = vxlan;
  const tunnel = [
    'id',
    String(vni),
    'local',
    local,
    'dstport',
    String(port),
    'srcport',
    ...SOURCE_PORTS,
    'dev',
    underlay,
  ];
  return {
    create: [
      ['link', 'add', 'name', device, 'type', 'vxlan', ...tunnel],
      ['link', 'set', 'dev', device, 'mtu', String(mtu), ...label, 'master', bridge],
    ],
    settings: silence(device),
    forwarding: [apart(device), ...forwardTo(device, peers)],
    up: [['link', 'set', 'dev', device, 'up']],
  };
}

function forwardTo(device: string, peers: readonly string[]): Command[] {
  return peers.map((peer) => ['fdb', 'append', ANYBODY, 'dev', device, 'dst', peer]);
}

/** Such ports of a bridge do not reach one another: each node of a job has a way out of its own, and all have the same address. */
function apart(port: string): Command {
  return ['link', 'set', 'dev', port, 'isolated', 'on'];
}

interface TapFacts {
  readonly uid: number;
  /** Whether it is a VM's, with several queues and virtio headers; else it leads outside. */
  readonly ofVm: boolean;
  readonly bridge: string;
  readonly mtu: number;
  readonly label: Command;
}

function tapSteps(tap: string, { uid, ofVm, bridge, mtu, label }: TapFacts): BuildSteps {
  const kind = ['mode', 'tap', 'user', String(uid), ...(ofVm ? ['vnet_hdr', 'multi_queue'] : [])];
  return {
    create: [
      ['tuntap', 'add', 'dev', tap, ...kind],
      ['link', 'set', 'dev', tap, 'mtu', String(mtu), ...label, 'master', bridge],
    ],
    settings: silence(tap),
    forwarding: ofVm ? [] : [apart(tap)],
    up: [['link', 'set', 'dev', tap, 'up']],
  };
}

/** This machine speaks on such a device in no protocol: not even to say which addresses it has elsewhere. */
function silence(device: string): (readonly [string, string])[] {
  return [
    [`ipv6/conf/${device}/disable_ipv6`, '1'],
    [`ipv4/conf/${device}/arp_ignore`, '8'],
    [`ipv4/conf/${device}/forwarding`, '0'],
  ];
}

/** By what devices are known to be a job's, and removed at once. */
function deviceLabels(owner: DeviceOwner): { readonly job: Command; readonly place: Command } {
  const aliases = deviceAliases(owner);
  const groups = deviceGroups(owner);
  const label = (whose: 'job' | 'place'): Command => ['alias', aliases[whose], 'group', groups[whose]];
  return { job: label('job'), place: label('place') };
}

/**
 * Remove devices: those of a group at once, unless somebody else's device is in it. Pure.
 * @param links all devices of this machine
 */
export function removeSteps(owner: DeviceOwner, gone: readonly Link[], links: readonly Link[]): Command[] {
  const groups = Object.values(deviceGroups(owner)).filter((group) => {
    const members = links.filter((link) => link.group === group);
    return members.length > 0 && members.every((link) => gone.includes(link));
  });
  const single = gone.filter(({ group }) => !groups.includes(group));
  return [
    ...groups.map((group) => ['link', 'delete', 'group', group]),
    ...single.map(({ name }) => ['link', 'delete', 'dev', name]),
  ];
}
