export { mkfsArguments, readSuperblock, SUPERBLOCK } from './disk/ext.ts';
export { formatHere } from './disk/format.ts';
export { checkDiskFile, type DiskOptions, type OpenDisk, openDisk, type WantedDisk } from './disk/open.ts';
export { emptyQcow2 } from './disk/qcow2.ts';
export { scratchFile } from './disk/scratch.ts';
export { buildAsUserLibrary } from './native/build.ts';
export { belongsToGuest, inside, planShares, type SharedDirectory, type WantedDirectory } from './plan.ts';
export { canMakeUserNamespace, chooseTransport, type Transport, type TransportChoice } from './transport.ts';
export { startVirtiofsd, type VirtiofsServer, virtiofsdProgram, virtiofsdThere } from './virtiofsd.ts';
