/** A host directory that the guest sees, read and write, with the user's rights. */
export interface SharedDirectory {
  /** Without symbolic links. */
  readonly source: string;
  /** Where the guest has it: the source's own path, and the paths by which the job names it. */
  readonly targets: readonly string[];
  /** Directories inside the source that the job names by another path: that path leads there in the guest, too. */
  readonly aliases?: readonly WantedDirectory[];
}

/** A directory as the job names it, and where that really is. */
export interface WantedDirectory {
  readonly path: string;
  readonly real: string;
}

/** Belong to the guest's own system: a share on top of one would hide it. */
const systemDirectories = [
  ...['/', '/bin', '/boot', '/dev', '/etc', '/home', '/lib', '/lib32', '/lib64', '/libx32', '/media', '/mnt', '/opt'],
  ...['/proc', '/root', '/run', '/sbin', '/srv', '/sys', '/usr', '/var', '/var/run', '/run/lock'],
];
const systemTrees = ['/bin', '/boot', '/dev', '/etc', '/lib', '/proc', '/sbin', '/sys', '/usr'];

/**
 * Decide which directories to share: each wanted one once, none inside another, none that is part of the guest's
 * own system. Pure.
 */
export function planShares(wanted: readonly WantedDirectory[]): SharedDirectory[] {
  const usable = wanted.filter(({ real }) => !belongsToGuest(real));
  const sources = [...new Set(usable.map(({ real }) => real))].sort();
  const roots = sources.filter((path) => !sources.some((other) => other !== path && inside(path, other)));
  return roots.map((source) => {
    const names = usable.filter(({ real, path }) => real === source && path !== source).map(({ path }) => path);
    const targets = [source, ...new Set(names.filter((path) => !belongsToGuest(path)))];
    const aliases = usable.filter(
      ({ real, path }) =>
        real !== source && inside(real, source) && path !== real && !belongsToGuest(path) && !reached(path, targets),
    );
    return { source, targets, ...(aliases.length === 0 ? {} : { aliases }) };
  });
}

/** Whether a path lies below a place where its share is mounted, so that it leads to the same directory already. */
function reached(path: string, targets: readonly string[]): boolean {
  return targets.some((target) => inside(path, target));
}

/** Whether a path is part of the guest's own system, where nothing is shared. Pure. */
export function belongsToGuest(path: string): boolean {
  return systemDirectories.includes(path) || systemTrees.some((tree) => inside(path, tree));
}

/** Whether `path` is `directory` or below it. */
export function inside(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}
