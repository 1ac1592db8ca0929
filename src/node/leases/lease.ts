import { createHash } from 'node:crypto';
import { shortName } from '../../base/index.ts';

/** Whose something on a node is: one run of one job on one node. */
export interface LeaseKey {
  readonly engine: string;
  /** Which of several batch systems of a kind: their job ids may be the same. */
  readonly cluster: string;
  readonly jobId: string;
  /** Undefined where the batch system does not tell its hooks which run of the job it is: then all of them. */
  readonly attempt: string | undefined;
  /** As the batch system has it: one machine may be several nodes. */
  readonly node: string;
}

/**
 * What root has written down of a job on this node, before it did anything for it. `released`: a tombstone; what comes later
 * for the same run comes too late. `releasing`: begun; what is left of it the next one finishes.
 */
export interface Lease {
  readonly key: LeaseKey;
  readonly state: 'prepared' | 'releasing' | 'released';
  readonly owner: { readonly name: string; readonly uid: number; readonly gid: number };
  /** Milliseconds since 1970 of the last change. */
  readonly at: number;
}

const LONGEST_NAME = 200;

/**
 * The name of a lease's file: it may hold whatever a job id does, brackets among it, and leads nowhere else. Pure.
 * @throws Error for a key that is too long for a file's name
 */
export function leaseName({ engine, cluster, jobId, attempt = '', node }: LeaseKey): string {
  const name = [engine, cluster, jobId, attempt, node].map(encodeURIComponent).join(',');
  if (name.length > LONGEST_NAME) throw new Error(`the name of the job is too long: ${name.length} characters`);
  return name;
}

/** What processes of a job carry in their environment, for whoever clears up after it. */
export const JOB_MARK = 'VTORQUE_JOB';

/** The machines of a job that is to be asked to end, where its batch system leaves it no time after that, have this beside the mark. */
export const ASK_MARK = 'VTORQUE_ASK_TO_END';

/** The mark of a job's processes on a node. Pure. */
export function jobMark(key: LeaseKey): string {
  return leaseName(key);
}

/** Read a mark. Undefined for what is none. Pure. */
export function readMark(mark: string): LeaseKey | undefined {
  const parts = mark.split(',');
  if (parts.length !== 5) return undefined;
  try {
    const [engine = '', cluster = '', jobId = '', attempt = '', node = ''] = parts.map(decodeURIComponent);
    return { engine, cluster, jobId, attempt: attempt === '' ? undefined : attempt, node };
  } catch {
    return undefined;
  }
}

/** Does what is marked with `other` belong to `key`? A key without an attempt is that of all of them. Pure. */
export function covers(key: LeaseKey, other: LeaseKey): boolean {
  return (
    key.engine === other.engine &&
    key.cluster === other.cluster &&
    key.jobId === other.jobId &&
    knownAs(key.node) === knownAs(other.node) &&
    (key.attempt === undefined || other.attempt === undefined || key.attempt === other.attempt)
  );
}

/** Hooks may know a node by another form of its name than the job does. */
function knownAs(node: string): string {
  return shortName(node).toLowerCase();
}

/**
 * How the names of the temporary directories of a job begin, on this node, in all its runs: short, since sockets lie in them
 * whose paths must not be long. Pure.
 */
export function temporaryPrefix({ engine, cluster, jobId, node }: LeaseKey): string {
  const whose = [engine, cluster, jobId, knownAs(node)].map(encodeURIComponent).join(',');
  return `vtorque-${createHash('sha256').update(whose).digest('hex').slice(0, 10)}-`;
}
