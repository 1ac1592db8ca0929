import type { Release } from './tree.ts';

/** One thing that an installation puts somewhere. Paths are absolute. */
export type Step =
  | { readonly kind: 'tree'; readonly path: string; readonly release: Release }
  /** A symbolic link, replaced at once. */
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'file'; readonly path: string; readonly content: string; readonly executable?: boolean }
  /** A file that takes the place of the site's own, which is kept at `original` until it is put back. */
  | { readonly kind: 'hook'; readonly path: string; readonly original: string; readonly content: string }
  /** Commands that switch something on, and those that switch it off again. */
  | {
      readonly kind: 'commands';
      /** What they concern, in words. */
      readonly path: string;
      /** Comes first, and fails when what it makes is there. */
      readonly create?: Commands[number];
      readonly run: Commands;
      readonly undo: Commands;
    };

export type Commands = readonly (readonly [string, ...string[]])[];

/** What was installed, as the machine remembers it. */
export type Installed =
  | { readonly kind: 'directory' | 'tree'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'file'; readonly path: string; readonly sha256: string }
  | { readonly kind: 'hook'; readonly path: string; readonly original: string; readonly sha256: string }
  | { readonly kind: 'commands'; readonly path: string; readonly undo: Commands };
