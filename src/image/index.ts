export { type BuildOptions, buildImage } from './builder/build.ts';
export { type PrepareOptions, prepareHost } from './builder/prepare.ts';
export { findImage, imagePools, listImages } from './catalogue.ts';
export { rememberedDigest } from './digest.ts';
export { checkDistro, distroOf, distroOfHost } from './distro.ts';
export { addImage } from './import/add.ts';
export { findKernel } from './kernel/store.ts';
export { readManifest } from './manifest.ts';
export { checkImageRam } from './min-ram.ts';
export { deleteImage, describeImage, imageInUse, type PoolOptions, verifyImage } from './pool/change.ts';
export { type Progress, type ProgressEvent, runStage } from './progress.ts';
export { readRecipe, recipes } from './recipes/index.ts';
export { resolveGuest } from './resolve.ts';
export { whyNotTrusted } from './trust.ts';
export type {
  CatalogueEntry,
  CloudGuest,
  DiskEntry,
  GuestDisk,
  GuestKernel,
  GuestSystem,
  HostGuest,
  ImageGuest,
} from './types.ts';
export { useImage } from './use-lock.ts';
