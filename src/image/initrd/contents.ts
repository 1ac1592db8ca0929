import type { ModuleGroup } from '../types.ts';
import type { CpioEntry } from './cpio.ts';

export interface InitrdContents {
  /** The guest agent, statically linked. */
  readonly agent: Uint8Array;
  /** Object files by file name. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** File names by group, in load order. */
  readonly groups: Readonly<Record<ModuleGroup, readonly string[]>>;
}

/**
 * The initial RAM disk as the agent expects it: `/init` is the agent, `/mods/<file>.ko` the modules and
 * `/mods/<group>.order` the file names of a group, one a line, in load order.
 */
export function initrdEntries({ agent, modules, groups }: InitrdContents): CpioEntry[] {
  return [
    { kind: 'directory', path: 'dev', mode: 0o755 },
    // The kernel opens it for process 1 before anything is mounted.
    { kind: 'device', path: 'dev/console', mode: 0o600, major: 5, minor: 1 },
    { kind: 'file', path: 'init', mode: 0o755, bytes: agent },
    { kind: 'directory', path: 'mods', mode: 0o755 },
    ...Object.entries(groups).map(([group, files]): CpioEntry => {
      const text = files.map((file) => `${file}\n`).join('');
      return { kind: 'file', path: `mods/${group}.order`, mode: 0o644, bytes: Buffer.from(text) };
    }),
    ...[...modules].map(([file, bytes]): CpioEntry => ({ kind: 'file', path: `mods/${file}`, mode: 0o644, bytes })),
  ];
}
