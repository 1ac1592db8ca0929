export { slirpAddresses } from './slirp.ts';
