export { buildNetworks, devicesOf, isThere, leftOf, removeNetworks } from './build.ts';
export { decidePrepared, offerOf, type PreparedOffer } from './decide.ts';
export { isRoots } from './directory.ts';
export {
  FACTS_DIRECTORY,
  factsOf,
  type PreparedFacts,
  type PreparedNetwork,
  type PreparedSiteTaps,
  readFacts,
  removeFacts,
  writeFacts,
} from './facts.ts';
export type { Networks } from './firewall.ts';
export type { Link } from './links.ts';
export { type DeviceOwner, deviceNames, MOST_TAPS } from './names.ts';
export { planJobNetwork } from './plan.ts';
export { readLinks } from './run.ts';
export { preparedTap } from './tap.ts';
export { isRefused, type JobNetwork, type Refused, type SiteNetwork } from './types.ts';
