import { dirname, join } from 'node:path';
import type { KernelFiles } from './files.ts';

/** Larger ones are how version 1 says that there is no limit. */
const noLimit = 2 ** 60;

/** What the cgroups of this process, of either version, allow it. What is not limited is not there. */
export interface CgroupLimits {
  readonly cpus?: readonly number[];
  /** NUMA nodes. */
  readonly memoryNodes?: readonly number[];
  /** Bytes; the least of its own and of those above. */
  readonly memory?: number;
}

/** Read them as far as they can be seen from here: in a container the root of what is seen is the container's own. */
export function readCgroups(files: KernelFiles): CgroupLimits {
  const lines = (files.text('proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    return controllers === undefined || path === undefined ? [] : [{ controllers: controllers.split(','), path }];
  });
  const old = (controller: string): string | undefined =>
    lines.find(({ controllers }) => controllers.includes(controller))?.path;
  const unified = lines.find(({ controllers }) => controllers[0] === '')?.path;
  const cpuset = [...upwards('cpuset', old('cpuset')), ...upwards('', unified), ...upwards('unified', unified)];
  const memory = [
    ...upwards('memory', old('memory')).map((at) => join(at, 'memory.limit_in_bytes')),
    ...[...upwards('', unified), ...upwards('unified', unified)].map((at) => join(at, 'memory.max')),
  ];
  const limits = memory.flatMap((path) => files.number(path) ?? []).filter((limit) => limit < noLimit);
  const cpus = first(files, cpuset, ['cpuset.cpus.effective', 'cpuset.effective_cpus', 'cpuset.cpus']);
  const memoryNodes = first(files, cpuset, ['cpuset.mems.effective', 'cpuset.effective_mems', 'cpuset.mems']);
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memoryNodes === undefined ? {} : { memoryNodes }),
    ...(limits.length === 0 ? {} : { memory: Math.min(...limits) }),
  };
}

/** Directories of a cgroup and of those above it, the nearest first. */
function upwards(mount: string, path: string | undefined): string[] {
  if (path === undefined) return [];
  const above = path === '/' ? [] : upwards(mount, dirname(path));
  return [join('sys/fs/cgroup', mount, path), ...above];
}

function first(files: KernelFiles, directories: readonly string[], names: readonly string[]): number[] | undefined {
  for (const directory of directories) {
    for (const name of names) {
      const list = files.list(join(directory, name));
      if (list !== undefined) return list;
    }
  }
  return undefined;
}
