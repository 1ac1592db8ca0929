import { DEVICE_PREFIX } from './names.ts';
import type { JobNetwork, JobVxlan, SiteNetwork } from './types.ts';

/** What there is of one job on this machine. */
export interface Networks {
  readonly job?: JobNetwork | undefined;
  readonly site?: SiteNetwork | undefined;
}

const TABLE = 'vtorque';
/** To these a bridge does not forward: it hands them to the machine itself, past everything else. */
const LINK_LOCAL = 'ether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00';

/**
 * All rules that this machine has for networks of jobs, for `nft --file`: put in place of those that were there, at once. Rules stand where frames of no
 * other devices pass, and where a filter of bridges (`bridge-nf-call-iptables`) does not change what they mean. Pure.
 * @param networks of all jobs
 * @param there names of the devices that exist
 */
export function firewall(networks: readonly Networks[], there: ReadonlySet<string>): string {
  const jobs = networks.flatMap(({ job }) => (job === undefined ? [] : [job]));
  const sites = networks.flatMap(({ site }) => (site === undefined ? [] : [site]));
  const known = (names: readonly string[]): string[] => [...new Set(names)].filter((name) => there.has(name)).sort();
  const bridges = known(jobs.map(({ bridge }) => bridge));
  const ports = known(jobs.flatMap(({ taps, gatewayTap, vxlan }) => [...taps, gatewayTap, vxlan?.device ?? '']));
  const siteTaps = sites.flatMap(({ taps }) => taps).filter(({ ifname }) => there.has(ifname));
  const replaced = ['inet', 'netdev'].flatMap((family) => [
    `table ${family} ${TABLE}`,
    `delete table ${family} ${TABLE}`,
  ]);
  if (jobs.length + sites.length === 0) return lines(replaced);
  return lines([
    ...replaced,
    `table inet ${TABLE} {`,
    // Any user may bind a socket to any device, and so send into a network that is not his.
    ...chain('leaving', 'type filter hook output priority raw', [`oifname "${DEVICE_PREFIX}*" drop`]),
    ...chain('arriving', 'type filter hook prerouting priority raw', vxlanRules(jobs)),
    '}',
    `table netdev ${TABLE} {`,
    ...(bridges.length === 0 ? [] : chain('bridges', ingress(bridges), ['drop'])),
    ...(ports.length === 0 ? [] : chain('ports', ingress(ports), [`${LINK_LOCAL} drop`])),
    ...siteTaps.flatMap(({ ifname, mac }) => chain(ifname, ingress([ifname]), guestRules(mac))),
    '}',
  ]);
}

/** VXLAN knows no senders: what comes from nobody of the job, or not from root there, is no frame of it. */
function vxlanRules(jobs: readonly JobNetwork[]): string[] {
  // Several nodes of a job on one machine share one.
  const all = jobs.flatMap(({ vxlan }) => (vxlan === undefined ? [] : [vxlan]));
  const each = [...new Map(all.map((vxlan) => [vxlan.device, vxlan])).values()];
  const ports = [...new Set(each.map(({ port }) => port))];
  return [...each.map(vxlanRule), ...ports.map((port) => `udp dport ${port} drop`)];
}

function vxlanRule({ underlay, port, peers, vni }: JobVxlan): string {
  // The identifier stands behind 8 bytes of UDP and 4 of VXLAN.
  return `iifname "${underlay}" udp dport ${port} udp sport < 1024 ip saddr { ${peers.join(', ')} } @th,96,24 ${vni} accept`;
}

/** A guest in a network that it shares with others is nobody but itself, and no part of what the network is made of. */
function guestRules(mac: string): string[] {
  return [
    `${LINK_LOCAL} drop`,
    `ether saddr != ${mac} drop`,
    `arp saddr ether != ${mac} drop`,
    'ether type { 8021q, 8021ad } drop',
    'udp sport 67 drop',
    'icmpv6 type { nd-router-advert, nd-redirect } drop',
  ];
}

function ingress(devices: readonly string[]): string {
  return `type filter hook ingress devices = { ${devices.map((name) => `"${name}"`).join(', ')} } priority 0`;
}

function chain(name: string, hook: string, rules: readonly string[]): string[] {
  return [`  chain ${name} {`, `    ${hook}; policy accept;`, ...rules.map((rule) => `    ${rule}`), '  }'];
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
