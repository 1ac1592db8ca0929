export { addressesFor, addressOf, dnsOf, gatewayOf, macOf, outboundMacs } from './addresses.ts';
export { tapFailure } from './errors.ts';
export { type Cidr, formatAddress, formatCidr, overlap, parseAddress, parseCidr, sizeOf } from './ipv4.ts';
export { type JobNetwork, type JobNetworkOptions, startJobNetwork, type TapNic } from './job-network.ts';
export { buildJobnet } from './native/build.ts';
export { type Outbound, type PreparedGateway, slirpProgram, startPreparedOutbound } from './outbound.ts';
export {
  type GuestNetwork,
  guestNetwork,
  type JobNetworkPlan,
  type NetworkFacts,
  type NetworkPlan,
  type SiteNetworkPlan,
  type TrunkPlace,
} from './plan.ts';
export { whyNoJobNetwork } from './probe.ts';
export { routesInUse } from './routes.ts';
export { slirpNetwork } from './slirp.ts';
export { chooseSubnet } from './subnet.ts';
export { listenForTrunks, type TrunkListener, type TrunkSecret } from './trunk-listener.ts';
export type { PeerNode } from './trunk-peer.ts';
export { vhostOpens } from './vhost.ts';
