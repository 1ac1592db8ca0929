import { rankOfAddress } from './addresses.ts';
import type { Cidr } from './ipv4.ts';
import { ETHERNET_AT, LENGTH_BYTES } from './trunk-frame.ts';

/** Who is where in a job's network, as one node knows it. */
export interface ForwardTable {
  readonly subnet: Cidr;
  /** Number of this node. */
  readonly here: number;
  /** Number of the node that has the VM of a rank; undefined for ranks that the job does not have. */
  readonly nodeOf: (rank: number) => number | undefined;
}

/** What becomes of a frame that came out of this node's bridge. */
export type Decision =
  /** To the one node that has the VM. */
  | { readonly to: 'node'; readonly node: number }
  /** To every other node. */
  | { readonly to: 'all' }
  /** A VM here asks who has an address: the answer, as a frame for this node's bridge. */
  | { readonly to: 'asker'; readonly answer: Buffer }
  | { readonly to: 'nobody' };

const nobody: Decision = { to: 'nobody' };
const all: Decision = { to: 'all' };

const AT = { destination: ETHERNET_AT, source: ETHERNET_AT + 6, type: ETHERNET_AT + 12, payload: ETHERNET_AT + 14 };
const IPV4 = 0x0800;
const ARP = 0x0806;
const GROUP_BIT = 1;

/**
 * Where a frame goes. A frame that does not come from a VM of this node goes nowhere: neither what a guest sends under
 * another's hardware address, nor what the gateway of this node says. ARP never leaves the node: the plan has the answers.
 * Pure.
 * @param frame its beginning: at least `HEAD_BYTES`, or all of it
 */
export function forward(frame: Buffer, table: ForwardTable): Decision {
  const from = vmAt(frame, AT.source);
  if (from === undefined || table.nodeOf(from) !== table.here) return nobody;
  const type = frame.readUInt16BE(AT.type);
  if (type === ARP) return answerArp(frame, from, table);
  if ((frame.readUInt8(AT.destination) & GROUP_BIT) !== 0) return type === IPV4 && isForAll(frame) ? all : nobody;
  const to = vmAt(frame, AT.destination);
  const node = to === undefined ? undefined : table.nodeOf(to);
  return node === undefined || node === table.here ? nobody : { to: 'node', node };
}

/** The rank in a hardware address of a frame, if it is that of a VM. */
function vmAt(frame: Buffer, at: number): number | undefined {
  return frame.readUInt16BE(at) === VM_MARK ? frame.readUInt32BE(at + 2) : undefined;
}
const VM_MARK = 0x0276;

const DHCP_PORTS = [67, 68];
const UDP = 17;

/**
 * Systems call for all sorts of neighbours as they start. What no program of a job has sent stays on the node, or each node
 * would at once be connected with each other: link-local groups (IGMP, mDNS), and DHCP.
 */
function isForAll(frame: Buffer): boolean {
  const ip = AT.payload;
  if (frame.length < ip + 20) return false;
  const linkLocal = frame.readUInt32BE(ip + 16) >>> 8 === 0xe00000;
  if (linkLocal) return false;
  const header = (frame.readUInt8(ip) & 15) * 4;
  const isFragment = (frame.readUInt16BE(ip + 6) & 0x1fff) !== 0;
  if (frame.readUInt8(ip + 9) !== UDP || isFragment || frame.length < ip + header + 4) return true;
  return !DHCP_PORTS.includes(frame.readUInt16BE(ip + header + 2));
}

const ARP_BYTES = 28;
/** Ethernet, IPv4, 6 and 4 bytes long, a request. */
const REQUEST = Buffer.from('0001080006040001', 'hex');
const REPLY = Buffer.from('0001080006040002', 'hex');

function answerArp(frame: Buffer, from: number, { subnet, here, nodeOf }: ForwardTable): Decision {
  const arp = AT.payload;
  if (frame.length < arp + ARP_BYTES || !frame.subarray(arp, arp + REQUEST.length).equals(REQUEST)) return nobody;
  if (vmAt(frame, arp + 8) !== from) return nobody;
  const wanted = frame.readUInt32BE(arp + 24);
  const rank = rankOfAddress(subnet, wanted);
  const node = rank === undefined ? undefined : nodeOf(rank);
  // Who is on this node answers for himself.
  if (rank === undefined || node === undefined || node === here) return nobody;
  const answer = Buffer.alloc(arp + ARP_BYTES);
  answer.writeUInt32BE(answer.length - LENGTH_BYTES);
  writeMac(answer, AT.destination, from);
  writeMac(answer, AT.source, rank);
  answer.writeUInt16BE(ARP, AT.type);
  REPLY.copy(answer, arp);
  writeMac(answer, arp + 8, rank);
  answer.writeUInt32BE(wanted, arp + 14);
  // To the asker's addresses, as he told them.
  frame.copy(answer, arp + 18, arp + 8, arp + 18);
  return { to: 'asker', answer };
}

function writeMac(frame: Buffer, at: number, rank: number): void {
  frame.writeUInt16BE(VM_MARK, at);
  frame.writeUInt32BE(rank, at + 2);
}

/**
 * Whether a frame of another node may enter this node's bridge: it is of a VM there. The other node has looked as well; this
 * keeps a mistake there from becoming one here. Pure.
 */
export function mayEnter(frame: Buffer, node: number, { here, nodeOf }: ForwardTable): boolean {
  const from = vmAt(frame, AT.source);
  return from !== undefined && node !== here && nodeOf(from) === node;
}
