export { type BuildOptions, type BuildResult, buildImage } from './builder/build.ts';
export { type PreparedBoot, type PrepareOptions, prepareHost } from './builder/prepare.ts';
export { findImage, imagePools, listImages } from './catalogue.ts';
export { rememberedDigest } from './digest.ts';
export { checkDistro, distroOf, distroOfHost } from './distro.ts';
export { type AddOptions, addImage } from './import/add.ts';
export { ensureInitrd, type InitrdOptions, initrdsIn } from './initrd/ensure.ts';
export { type EnsureKernelOptions, ensureGuestKernel } from './kernel/ensure.ts';
export { findKernel, kernelsIn } from './kernel/store.ts';
export { readManifest } from './manifest.ts';
export { checkImageRam } from './min-ram.ts';
export { deleteImage, describeImage, imageInUse, type PoolOptions, verifyImage } from './pool/change.ts';
export { type Progress, type ProgressEvent, runStage } from './progress.ts';
export { type Recipe, readRecipe, recipes } from './recipes/index.ts';
export { type ResolveOptions, resolveGuest } from './resolve.ts';
export type { SeedNetwork } from './seed/no-cloud.ts';
export { whyNotTrusted } from './trust.ts';
export type {
  BootFiles,
  Catalogue,
  CatalogueEntry,
  CatalogueProblem,
  CloudGuest,
  CloudImageManifest,
  DirectImageManifest,
  DiskEntry,
  DiskFormat,
  GuestDisk,
  GuestKernel,
  GuestSystem,
  HostEntry,
  HostGuest,
  ImageGuest,
  ImageManifest,
  ModuleGroup,
  RootFs,
} from './types.ts';
export { claimImage, useImage, useLockOf } from './use-lock.ts';
