/** The network of a job on a node, as root makes it. */
export interface JobNetwork {
  readonly bridge: string;
  /** One for each VM that the node may have of the job. */
  readonly taps: readonly string[];
  readonly gatewayTap: string;
  /** Of all these devices and of the guests, in bytes. */
  readonly mtu: number;
  /** Without it all nodes of the job are this machine. */
  readonly vxlan?: JobVxlan;
}

export interface JobVxlan {
  readonly device: string;
  readonly vni: number;
  /** UDP, of both ends. */
  readonly port: number;
  readonly underlay: string;
  readonly local: string;
  /** IPv4 addresses of the other nodes, sorted. */
  readonly peers: readonly string[];
}

/** Taps in a bridge of the site's own. */
export interface SiteNetwork {
  readonly bridge: string;
  readonly taps: readonly SiteTap[];
  readonly mtu: number;
}

export interface SiteTap {
  readonly ifname: string;
  /** The only address that its guest can send from. */
  readonly mac: string;
  /** Which of the node's addresses it is, from 1: no two jobs of a node have the same at a time. */
  readonly slot: number;
}

/** Why there is no such network. */
export interface Refused {
  readonly refused: string;
}

export function isRefused(outcome: object): outcome is Refused {
  return 'refused' in outcome;
}
