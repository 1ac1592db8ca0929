import { isIP } from 'node:net';
import { type ConfigKey, key } from './key.ts';
import { absolutePath, between, type ConfigType, choice, deviceName, list, numberRange, text } from './types.ts';

/** Largest VXLAN network identifier: 24 bits. */
const LAST_VNI = 2 ** 24 - 1;

const mtuRange = between('bytes', 576, 65_521);
const mtu: ConfigType<number> = { ...mtuRange, read: (value) => (value === 0 ? 0 : mtuRange.read(value)) };

/** The shortest prefix, and the longest, with which a range is worth to look for a job's network in it. */
const PREFIXES = [4, 24] as const;

function isRange(word: string): boolean {
  const [address = '', prefix = '', ...others] = word.split('/');
  if (isIP(address) !== 4 || !/^\d{1,2}$/.test(prefix) || others.length > 0) return false;
  if (Number(prefix) < PREFIXES[0] || Number(prefix) > PREFIXES[1]) return false;
  const base = address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
  return base % 2 ** (32 - Number(prefix)) === 0;
}

/** Keys of the networks of jobs, most of them for those that root prepares. */
export const networkKeys = {
  'network.pools': key(
    list('ranges of IPv4 addresses, each of 256 or more', isRange),
    ['172.31.0.0/16', '10.254.0.0/16', '10.128.0.0/12'],
    'site',
    'From the first of these ranges with room, the network of a job takes addresses that its nodes do not use themselves. Nobody outside of the job sees them.',
  ),
  'network.mtu': key(mtu, 0, 'site', 'Largest packet in the networks of jobs. 0: as large as can be.'),
  'network.job': key(
    choice('off', 'vxlan'),
    'off',
    'node',
    'What root prepares for the network of a job. vxlan: a bridge with taps on each node, joined by a VXLAN. off: nothing; the job network then needs no root.',
  ),
  'network.max_vms_per_node': key(between('VMs', 1, 256), 8, 'node', 'Taps that root prepares for one job on a node.'),
  'network.vxlan_interface': key(
    deviceName,
    '',
    'node',
    'Device whose first IPv4 address the VXLAN uses. Empty: the one that leads to the other nodes.',
  ),
  'network.vxlan_names': key(
    text,
    '*',
    'node',
    'How nodes are called in the network of the VXLAN; * stands for the name that the batch system has for a node, as in "*-ib0".',
  ),
  'network.vxlan_port': key(
    between('port', 1024, 65_535),
    4789,
    'node',
    'UDP port of the VXLAN, which must have it for itself.',
  ),
  'network.vni_range': key(
    numberRange(1, LAST_VNI),
    [4096, LAST_VNI],
    'node',
    'Network identifiers of jobs. The larger the range, the rarer two jobs of one node have the same.',
  ),
  'network.bridge': key(
    deviceName,
    '',
    'node',
    'Bridge of the site, in which root prepares taps for VMs with net=bridge. Empty: none.',
  ),
  'network.bridge_users': key(
    list('users and @groups'),
    ['*'],
    'node',
    'For whose jobs taps in network.bridge are prepared. "*": for all.',
  ),
  'network.address': key(
    choice('dhcp', 'script'),
    'dhcp',
    'node',
    'Hardware addresses of VMs in network.bridge, for which a DHCP server of the site has the others. dhcp: of our making, always the same ones for a node. script: those that network.ip_to_mac_script tells.',
    ['CUSTOM_IP_MAPPING'],
  ),
  'network.ip_to_mac_script': key(
    absolutePath,
    '',
    'node',
    'Program that prints the hardware address of a VM; it is called as root with the node, network.max_vms_per_node and the number of the VM, from 0.',
    ['IP_TO_MAC_SCRIPT'],
  ),
} as const satisfies Record<string, ConfigKey<never> | ConfigKey<unknown>>;
