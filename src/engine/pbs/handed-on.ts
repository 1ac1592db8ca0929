import type { AllocatedNode, Allocation } from '../engine.ts';

/**
 * What a task on another node cannot learn from its batch system: Torque has the node file on the first node only. The secret
 * is not among it, since arguments and so this may be seen by others.
 */
export const HANDED_ON = 'VTORQUE_ALLOCATION';

/** Pure. */
export function handOn({
  jobId,
  attempt,
  nodes,
}: Omit<Allocation, 'nodeIndex' | 'secret' | 'engine' | 'cluster'>): string {
  return JSON.stringify({ jobId, attempt, nodes: nodes.map(({ name, slots }) => [name, slots]) });
}

/**
 * The same again. Undefined for what is no such text, and for that of another job: a job that is submitted with -V from a task
 * carries its parent's. Pure.
 */
export function takeOver(
  text: string | undefined,
  jobId: string,
): { readonly attempt: string; readonly nodes: readonly AllocatedNode[] } | undefined {
  const value = parsed(text ?? '');
  if (value?.jobId !== jobId || typeof value.attempt !== 'string' || !Array.isArray(value.nodes)) return undefined;
  const nodes = value.nodes.flatMap((node: unknown): AllocatedNode[] => {
    const [name, slots] = Array.isArray(node) ? (node as unknown[]) : [];
    return typeof name === 'string' && Number.isSafeInteger(slots) ? [{ name, slots: slots as number }] : [];
  });
  return nodes.length === value.nodes.length && nodes.length > 0 ? { attempt: value.attempt, nodes } : undefined;
}

function parsed(text: string): Partial<Record<'jobId' | 'attempt' | 'nodes', unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
