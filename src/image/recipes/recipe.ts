/** How an image is made of a distribution's packages. Data only, so that a file can carry it. */
export interface Recipe {
  readonly name: string;
  readonly description: string;
  readonly distro: 'debian';
  readonly release: string;
  /** The distribution's name for the release in its package sources. */
  readonly suite: string;
  readonly components: readonly string[];
  /** Installed with what they depend on, without what they recommend. */
  readonly packages: readonly string[];
  /** Path patterns that no package installs, absolute. They hold for later installations in the guest too. */
  readonly leaveOut: readonly string[];
  /** Patterns of paths, relative to the root directory, that packages made while they were installed and that go. */
  readonly remove: readonly string[];
  /** Written last; paths relative to the root directory. */
  readonly files: readonly { readonly path: string; readonly content: string; readonly mode?: number }[];
  /** What is done when the packages are installed: files first, then commands. */
  readonly additions?: Additions;
  /** Bytes of memory that guests must have at least. */
  readonly minRam?: number;
  /** Bytes that the guest sees; only what is used takes room. */
  readonly diskSize: number;
}

export interface Additions {
  readonly files: readonly AddedFile[];
  /** Lines for the image's own /bin/sh, run as its root; the first that fails ends the build. */
  readonly commands: readonly string[];
}

export interface AddedFile {
  /** Absolute, in the image. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}
