import { hkdfSync } from 'node:crypto';
import type { Allocation } from '../../engine/engine.ts';

/** What one node of one run of a job proves itself by, and the launcher to it. */
export interface LinkKey {
  /** Said in the clear: it tells which key is meant, and nothing else. */
  readonly identity: string;
  readonly key: Buffer;
}

export const keyBytes = 32;
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
  const purpose = JSON.stringify([engine, jobId, attempt, nodeIndex]);
  return {
    identity: `node ${nodeIndex}`,
    key: Buffer.from(hkdfSync('sha256', secret, LABEL, purpose, keyBytes)),
  };
}
