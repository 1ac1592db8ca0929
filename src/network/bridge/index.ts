export { scriptMacs } from './script.ts';
export { planSiteNetwork, slotMac } from './site-network.ts';
