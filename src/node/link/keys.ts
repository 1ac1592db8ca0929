import type { Allocation } from '../../engine/engine.ts';
import { deriveKey, type LinkKey } from '../../link/index.ts';

const LABEL = 'vtorque node link 1';

/**
 * The key of a node, from the secret of the job. It is another one for each node and for each run of the job, so that what
 * is left of an earlier run finds no ear. Pure.
 */
export function linkKey(
  allocation: Pick<Allocation, 'engine' | 'jobId' | 'attempt' | 'secret'>,
  nodeIndex: number,
): LinkKey {
  const { engine, jobId, attempt, secret } = allocation;
  return { identity: `node ${nodeIndex}`, key: deriveKey(secret, LABEL, [engine, jobId, attempt, nodeIndex]) };
}
