import { covers, type Lease, type LeaseKey } from '../leases/lease.ts';
import type { MarkedProcess } from '../strays.ts';
import type { MarkedDirectory } from '../temporary.ts';

/** What there is on a node, and which jobs live. */
export interface NodeView {
  readonly engine: string;
  readonly cluster: string;
  /** Ids of jobs that may have something here. */
  readonly live: ReadonlySet<string>;
  readonly leases: readonly Lease[];
  readonly marked: readonly MarkedProcess[];
  /** Temporary directories, looked up before the leases. */
  readonly directories: readonly MarkedDirectory[];
  /** Runs of jobs for which root has made network devices, looked up before the leases. */
  readonly networks: readonly LeaseKey[];
  /** Milliseconds since 1970 at which processes were looked at and the batch system had not been asked yet. */
  readonly asked: number;
  /** Milliseconds since 1970 at which leases were read. */
  readonly now: number;
}

export type ReapAction =
  /** Clear up after a run of a job, and leave its tombstone. */
  | { readonly kind: 'release'; readonly lease: Lease }
  /** End a process that belongs to no live job, and to no lease. */
  | { readonly kind: 'kill'; readonly process: MarkedProcess }
  /** Remove a temporary directory that belongs to no live job, and to no lease. */
  | { readonly kind: 'directory'; readonly directory: MarkedDirectory }
  /** Remove network devices that belong to no live job, and to no lease. */
  | { readonly kind: 'network'; readonly key: LeaseKey }
  /** Remove a tombstone that nobody can need any more. */
  | { readonly kind: 'forget'; readonly key: LeaseKey };

/** A batch system may tell of a job a little later than its hooks run. */
const YOUNG_MS = 10_000;
/** No hook is on its way for so long. */
const TOMBSTONE_MS = 24 * 3_600_000;

/** The batch system's answer may be older than such a lease. One of the future is from before the clock was set back. */
function isYoung(at: number, { asked, now }: NodeView): boolean {
  return at >= asked - YOUNG_MS && at <= now;
}

/** What is to be removed: what belongs to no live job of this batch system. Of others nothing is known here. Pure. */
export function planReap(view: NodeView): ReapAction[] {
  const { live, leases, marked, directories, networks, now } = view;
  const ours = ({ engine, cluster }: LeaseKey): boolean => engine === view.engine && cluster === view.cluster;
  const mine = leases.filter(({ key }) => ours(key));
  const releases = mine.filter(
    ({ state, key, at }) =>
      state === 'releasing' || (state === 'prepared' && !live.has(key.jobId) && !isYoung(at, view)),
  );
  const ownerless = (key: LeaseKey): boolean =>
    ours(key) && !live.has(key.jobId) && !mine.some((lease) => lease.state !== 'released' && covers(lease.key, key));
  const strays = marked.filter(({ key }) => ownerless(key));
  // Either way: a clock that was set back must not keep them for ever.
  const old = mine.filter(({ state, at }) => state === 'released' && Math.abs(now - at) > TOMBSTONE_MS);
  return [
    ...releases.map((lease): ReapAction => ({ kind: 'release', lease })),
    ...strays.map((process): ReapAction => ({ kind: 'kill', process })),
    ...directories
      .filter(({ key, at }) => ownerless(key) && !isYoung(at, view))
      .map((directory): ReapAction => ({ kind: 'directory', directory })),
    ...networks.filter(ownerless).map((key): ReapAction => ({ kind: 'network', key })),
    ...old.map(({ key }): ReapAction => ({ kind: 'forget', key })),
  ];
}
