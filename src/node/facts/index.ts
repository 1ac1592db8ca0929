import { parseRanges } from '../../base/index.ts';
import type { NodeFacts } from '../../plan/index.ts';
import { readCgroups } from './cgroups.ts';
import { readCpus, readVendor } from './cpus.ts';
import { KernelFiles } from './files.ts';
import { readNuma, totalMemory } from './memory.ts';

/** The namespace of host names that a kernel starts with (PROC_UTS_INIT_INO of linux/proc_ns.h); containers have others. */
const firstUts = 'uts:[4026531838]';

/**
 * The hardware of this node as this process may use it. Its CPUs are those of its cgroup and of its own mask together: batch systems
 * give a job cores by the one or the other.
 * @param root directory that stands for the root of the file system
 */
export function readNodeFacts(root = '/'): NodeFacts {
  const files = new KernelFiles(root);
  const status = files.text('proc/self/status') ?? '';
  const mask = listOf(status, 'Cpus_allowed_list');
  const cgroups = readCgroups(files);
  const cpus = readCpus(files, mask ?? [0]);
  const numa = readNuma(files);
  const vendor = readVendor(files);
  return {
    cpus,
    allowed: inAll(cpus, mask, cgroups.cpus),
    isMachine: files.link('proc/self/ns/uts') === firstUts,
    numa,
    memoryNodes: inAll(numa, listOf(status, 'Mems_allowed_list'), cgroups.memoryNodes),
    memory: { total: totalMemory(files), ...(cgroups.memory === undefined ? {} : { limit: cgroups.memory }) },
    ...(vendor === undefined ? {} : { vendor }),
  };
}

/** Ids that are in each of the lists that there are. */
function inAll(
  all: readonly { readonly id: number }[],
  ...lists: readonly (readonly number[] | undefined)[]
): number[] {
  return all.map(({ id }) => id).filter((id) => lists.every((list) => list?.includes(id) ?? true));
}

function listOf(status: string, name: string): number[] | undefined {
  const [, list] = new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(status) ?? [];
  return list === undefined ? undefined : parseRanges(list);
}
