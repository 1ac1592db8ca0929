export { mkfsArguments, readSuperblock, SUPERBLOCK } from './disk/ext.ts';
export { formatHere } from './disk/format.ts';
export { checkDiskFile, openDisk } from './disk/open.ts';
export { emptyQcow2 } from './disk/qcow2.ts';
export { scratchFile } from './disk/scratch.ts';
export { buildAsUserLibrary } from './native/build.ts';
export { belongsToGuest, inside, planShares, type SharedDirectory, type WantedDirectory } from './plan.ts';
export { canMakeUserNamespace, type Transport, type TransportChoice, transportHere } from './transport.ts';
export { startVirtiofsd, type VirtiofsServer, virtiofsdThere } from './virtiofsd.ts';
