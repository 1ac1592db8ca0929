export { type BuildOptions, type BuildResult, buildImage } from './builder/build.ts';
export { type PreparedBoot, type PrepareOptions, prepareHost } from './builder/prepare.ts';
export { findImage, imagePools, listImages } from './catalogue.ts';
export { ensureInitrd, type InitrdOptions, initrdsIn } from './initrd/ensure.ts';
export { type EnsureKernelOptions, ensureGuestKernel } from './kernel/ensure.ts';
export { findKernel, kernelsIn } from './kernel/store.ts';
export { readManifest } from './manifest.ts';
export { type Progress, type ProgressEvent, runStage } from './progress.ts';
export { type Recipe, recipes } from './recipes/index.ts';
export { type ResolveOptions, resolveGuest } from './resolve.ts';
export type {
  Catalogue,
  CatalogueEntry,
  CatalogueProblem,
  DiskEntry,
  DiskFormat,
  GuestKernel,
  GuestSystem,
  HostEntry,
  ImageManifest,
  ModuleGroup,
  RootFs,
} from './types.ts';
