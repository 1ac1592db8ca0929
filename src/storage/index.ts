export { buildAsUserLibrary } from './native/build.ts';
export { inside, planShares, type SharedDirectory, type WantedDirectory } from './plan.ts';
export { canMakeUserNamespace, chooseTransport, type Transport, type TransportChoice } from './transport.ts';
export { startVirtiofsd, type VirtiofsServer, virtiofsdProgram, virtiofsdThere } from './virtiofsd.ts';
