export { addressOf, gatewayOf, macOf, outboundMacs } from './addresses.ts';
export { tapFailure } from './errors.ts';
export { type Cidr, formatAddress, overlap, parseCidr, sizeOf } from './ipv4.ts';
export { type JobNetwork, type JobNetworkOptions, startJobNetwork } from './job-network.ts';
export { buildJobnet } from './native/build.ts';
export { type Outbound, slirpProgram } from './outbound.ts';
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
export { vhostOpens } from './vhost.ts';
