import type { ModuleGroup } from '../types.ts';

/** What the guest's agent loads, by the purpose it is loaded for. A module that the kernel has built in is fine too. */
export const GROUPS: Readonly<Record<ModuleGroup, readonly string[]>> = {
  base: ['virtio_pci', 'virtio_console', 'virtio-rng'],
  '9p': ['9p', '9pnet_virtio'],
  virtiofs: ['virtiofs'],
  overlay: ['overlay'],
  disk: ['virtio_blk', 'ext4'],
  net: ['virtio_net'],
};

/** The files that depmod writes into a kernel's module directory, as text. */
export interface ModuleIndex {
  /** `modules.dep` */
  readonly dep: string;
  /** `modules.softdep` */
  readonly softdep: string;
  /** `modules.alias` */
  readonly alias: string;
  /** `modules.builtin` */
  readonly builtin: string;
}

/** Thrown for a module that is neither a file nor built in. */
export class ModuleMissing extends Error {
  constructor(name: string) {
    super(`no module "${name}"`);
    this.name = 'ModuleMissing';
  }
}

/**
 * The files to load for `wanted`, each after what it needs, none twice; paths relative to the module directory.
 * Soft dependencies that the kernel names as "pre" come first as well: without crc32c, ext4 does not mount.
 * @throws ModuleMissing
 */
export function loadOrder(index: ModuleIndex, wanted: readonly string[]): string[] {
  const files = parseDep(index.dep);
  const builtin = new Set(lines(index.builtin).map(moduleName));
  const soft = parseSoftdep(index.softdep);
  const aliases = parseAlias(index.alias);
  const order = new Set<string>();
  const begun = new Set<string>();
  const add = (name: string): void => {
    const entry = files.get(name);
    if (entry === undefined || begun.has(name)) return;
    begun.add(name);
    for (const softName of soft.get(name) ?? []) {
      for (const real of [softName, ...(aliases.get(softName) ?? [])]) add(real);
    }
    // modules.dep lists what is needed with the deepest last; soft dependencies of those count too.
    for (const path of entry.needs.toReversed()) add(moduleName(path));
    order.add(entry.path);
  };
  for (const word of wanted) {
    const name = moduleName(word);
    if (!files.has(name) && !builtin.has(name)) throw new ModuleMissing(word);
    add(name);
  }
  return [...order];
}

/** `kernel/fs/ext4/ext4.ko.xz` → `ext4`; `-` and `_` mean the same in a module's name. */
export function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  return file.replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');
}

/** The name of a module's object file, unpacked: `kernel/fs/ext4/ext4.ko.xz` → `ext4.ko`. */
export function objectFile(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.ko\..*$/, '.ko');
}

function parseDep(text: string): Map<string, { path: string; needs: string[] }> {
  const files = new Map<string, { path: string; needs: string[] }>();
  for (const line of lines(text)) {
    const [path = '', needs = ''] = line.split(':', 2);
    files.set(moduleName(path), { path, needs: needs.split(' ').filter((word) => word !== '') });
  }
  return files;
}

function parseSoftdep(text: string): Map<string, string[]> {
  const soft = new Map<string, string[]>();
  for (const line of lines(text)) {
    const [keyword, name = '', ...words] = line.split(/\s+/);
    if (keyword !== 'softdep') continue;
    const from = words.indexOf('pre:') + 1;
    const to = words.indexOf('post:');
    if (from === 0) continue;
    const names = words.slice(from, to > from ? to : undefined).map((word) => word.replaceAll('-', '_'));
    soft.set(moduleName(name), [...(soft.get(moduleName(name)) ?? []), ...names]);
  }
  return soft;
}

/** Aliases without wildcards; several modules may answer to one, and all of them are candidates. */
function parseAlias(text: string): Map<string, string[]> {
  const aliases = new Map<string, string[]>();
  for (const line of lines(text)) {
    const [keyword, alias = '', name = ''] = line.split(' ');
    if (keyword !== 'alias' || /[*?[]/.test(alias)) continue;
    const key = alias.replaceAll('-', '_');
    aliases.set(key, [...(aliases.get(key) ?? []), moduleName(name)]);
  }
  return aliases;
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
