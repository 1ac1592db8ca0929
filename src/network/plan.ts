import { addressOf, dnsOf, gatewayOf, macOf } from './addresses.ts';
import { type Cidr, formatAddress } from './ipv4.ts';
import type { PreparedOffer } from './prepared/index.ts';

/** Where a node waits for the frames of others. */
export interface TrunkPlace {
  /** Names or addresses, the likeliest first. */
  readonly hosts: readonly string[];
  readonly port: number;
}

/** What must be known of a node before its job's network can be decided. */
export interface NetworkFacts {
  /** Ranges of addresses that the node reaches by routes of its own: `a.b.c.d/prefix`. */
  readonly routes: readonly string[];
  /** None for a job of one node. */
  readonly trunk?: TrunkPlace;
  /** Where hooks prepare networks of jobs: what there is of this one's, or why nothing. */
  readonly prepared?: PreparedOffer;
  /** The same of taps in a bridge of the site's own. */
  readonly site?: PreparedOffer;
}

/** How the VMs of a job are connected, the same on all its nodes. */
export type NetworkPlan = JobNetworkPlan | SiteNetworkPlan;

/** Each is a machine in a network of the site's, which gives it its address. */
export interface SiteNetworkPlan {
  readonly site: true;
  /** Bytes. */
  readonly mtu: number;
}

/** They have a network of their own. */
export interface JobNetworkPlan {
  readonly site?: undefined;
  readonly subnet: Cidr;
  /** Whether VMs reach outside, as the user. */
  readonly outbound: boolean;
  /** Bytes. */
  readonly mtu: number;
  /** By the numbers of the nodes; empty for a job of one node. */
  readonly trunks: readonly TrunkPlace[];
  /** All nodes use what root has prepared. */
  readonly prepared?: boolean;
  /** Why they do not, though root was to prepare something. */
  readonly notPrepared?: string;
}

/** How a guest is connected, as it is told. */
export interface GuestNetwork {
  readonly mac: string;
  /** IPv4 address and prefix length: `10.0.2.15/24`; without it a DHCP server of the site tells. */
  readonly address?: string;
  /** Where connections to outside go, and names are asked for; none where there is no outside. */
  readonly outside?: { readonly gateway: string; readonly dns: string };
}

/** The place of a VM in its job's network. Pure. */
export function guestNetwork(
  { subnet, outbound }: Pick<JobNetworkPlan, 'subnet' | 'outbound'>,
  rank: number,
): GuestNetwork {
  return {
    mac: macOf(rank),
    address: `${formatAddress(addressOf(subnet, rank))}/${subnet.prefix}`,
    ...(outbound ? { outside: { gateway: gatewayOf(subnet), dns: dnsOf(subnet) } } : {}),
  };
}
