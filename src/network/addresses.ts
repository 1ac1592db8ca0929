import { type Cidr, formatAddress, sizeOf } from './ipv4.ts';

/** Offsets in a job's subnet: the first two are where slirp4netns is, the VMs begin where no fixed one is. */
const GATEWAY = 2;
const DNS = 3;
const FIRST_VM = 16;
/** The highest address is for broadcasts. */
const LAST = 1;

/** Addresses that a subnet for so many VMs must have. */
export function addressesFor(vms: number): number {
  return FIRST_VM + vms + LAST;
}

/** The address of the VM with a rank. */
export function addressOf(subnet: Cidr, rank: number): number {
  return subnet.base + FIRST_VM + rank;
}

/** @returns undefined for addresses that no VM of the subnet can have */
export function rankOfAddress(subnet: Cidr, address: number): number | undefined {
  const rank = address - subnet.base - FIRST_VM;
  return rank >= 0 && address < subnet.base + sizeOf(subnet) - LAST ? rank : undefined;
}

/** Where connections to outside go: `a.b.c.d`. */
export function gatewayOf(subnet: Cidr): string {
  return formatAddress(subnet.base + GATEWAY);
}

/** Where names of outside are asked for: `a.b.c.d`. */
export function dnsOf(subnet: Cidr): string {
  return formatAddress(subnet.base + DNS);
}

/** Locally administered, and with our mark, so that a VM's is known among others'. */
const VM_MAC = '02:76:';

/** The hardware address of the VM with a rank: `02:76:` and the rank in four bytes. */
export function macOf(rank: number): string {
  return VM_MAC + bytesOf(rank);
}

/** The hardware addresses under which slirp4netns answers for the gateway and for the name server. */
export function outboundMacs(subnet: Cidr): readonly string[] {
  return [GATEWAY, DNS].map((offset) => `52:55:${bytesOf(subnet.base + offset)}`);
}

function bytesOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => ((number >>> shift) & 255).toString(16).padStart(2, '0')).join(':');
}
