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
