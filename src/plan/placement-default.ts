import { coreKey, type NodeFacts } from './node-facts.ts';

/**
 * Whether pinning that nobody asked for is certain to do no harm: the job has cores of its own. Two jobs of one node whose batch
 * system does not keep them apart would otherwise be pinned to the same cores, with others idle.
 * @param slots of the job on the node that are cores
 * @returns in words why it is not certain; undefined when it is
 */
export function ownCores(facts: NodeFacts, { slots }: { readonly slots: number }): string | undefined {
  const cores = Map.groupBy(facts.cpus, coreKey);
  if (facts.allowed.length === facts.cpus.length) {
    if (slots < cores.size) return 'the batch system gives the job no cores of its own';
    return facts.isMachine ? undefined : 'the node is a container, and others may have the same cores';
  }
  const threads = Math.max(...[...cores.values()].map((cpus) => cpus.length));
  if (facts.allowed.length <= slots * threads) return undefined;
  return 'the job is let onto more CPUs than it has slots for, so others may be there, too';
}
