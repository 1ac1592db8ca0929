import { formatJobId, parseJobId } from '../../pbs/index.ts';
import { asParts, type Job } from './job.ts';

/** One kind of dependency, and the jobs that it is on; `on` counts jobs that are still to name themselves. */
export interface Dependency {
  readonly type: string;
  readonly ids: readonly string[];
  readonly count?: number;
}

/** What a job waits for, and what the other job's list says in return. */
const MIRROR: Readonly<Record<string, string>> = {
  after: 'before',
  afterok: 'beforeok',
  afternotok: 'beforenotok',
  afterany: 'beforeany',
  afterstartarray: 'beforestartarray',
  afterokarray: 'beforeokarray',
  afternotokarray: 'beforenotokarray',
  afteranyarray: 'beforeanyarray',
};

/** Kinds that users may give in the other direction. */
const BEFORE: ReadonlyMap<string, string> = new Map(
  Object.entries(MIRROR).flatMap(([after, before]) => (after.endsWith('array') ? [] : [[before, after] as const])),
);

/** Torque's, and not here. */
export const MISSING_DEPENDENCIES: ReadonlySet<string> = new Set([
  'synccount',
  'syncwith',
  'beforestartarray',
  'beforeokarray',
  'beforenotokarray',
  'beforeanyarray',
]);

/** Does the job wait for others of this kind? */
export function isAfter(type: string): boolean {
  return Object.hasOwn(MIRROR, type);
}

/** `beforeok` for `afterok`. */
export function mirrorOf(type: string): string {
  return MIRROR[type] ?? type;
}

/** `afterok` for `beforeok`; undefined for what is no such kind. */
export function afterOf(type: string): string | undefined {
  return BEFORE.get(type);
}

/**
 * Read the text of -W depend=: `afterok:1.head:2,afterany:3[].head,on:2`. Ids are completed with the server's name.
 * Undefined: it is none.
 */
export function parseDepend(text: string, server: string): Dependency[] | undefined {
  const list = text.split(',').map((item): Dependency | undefined => {
    const [type = '', ...args] = item.trim().split(':');
    if (type === 'on') {
      const count = /^[1-9]\d{0,5}$/.test(args[0] ?? '') && args.length === 1 ? Number(args[0]) : undefined;
      return count === undefined ? undefined : { type, ids: [], count };
    }
    if (!isAfter(type) && afterOf(type) === undefined && !MISSING_DEPENDENCIES.has(type)) return undefined;
    const ids = args.map((arg) => parseJobId(arg.replace(/@.*$/, '')));
    if (ids.length === 0 || ids.includes(undefined)) return undefined;
    const full = ids.flatMap((id) => (id === undefined ? [] : [formatJobId(asParts(id.sequence, id.element, server))]));
    return { type, ids: [...new Set(full)] };
  });
  return list.every((one) => one !== undefined) ? list : undefined;
}

/** As qstat -f shows it. */
export function formatDepend(list: readonly Dependency[]): string {
  return list.map(({ type, ids, count }) => [type, ...(count === undefined ? ids : [count])].join(':')).join(',');
}

/** Add a job to the list under this kind. */
export function withDependency(list: readonly Dependency[], type: string, id: string): Dependency[] {
  const there = list.find((one) => one.type === type);
  if (there === undefined) return [...list, { type, ids: [id] }];
  return list.map((one) => (one === there ? { ...one, ids: [...new Set([...one.ids, id])] } : one));
}

export function withoutDependency(list: readonly Dependency[], type: string, id: string): Dependency[] {
  return list
    .map((one) => (one.type === type ? { ...one, ids: one.ids.filter((other) => other !== id) } : one))
    .filter(({ ids, count }) => ids.length > 0 || (count ?? 0) > 0);
}

/** One job less is waited for to name itself. */
export function withOneNamed(list: readonly Dependency[]): Dependency[] {
  return list.flatMap((one) => {
    if (one.type !== 'on') return [one];
    const count = (one.count ?? 1) - 1;
    return count > 0 ? [{ ...one, count }] : [];
  });
}

/** Does something in the list hold its job back? */
export function isWaiting(list: readonly Dependency[]): boolean {
  return list.some(({ type }) => type === 'on' || isAfter(type));
}

/**
 * What has become of a dependency: `met`, still `open`, or `never` to be met.
 * @param members the job that is waited for; of an array, its elements, which must all be so
 */
export function fateOf(
  type: string,
  members: readonly Pick<Job, 'state' | 'attempt' | 'exitStatus'>[],
): 'met' | 'open' | 'never' {
  const complete = members.filter(({ state }) => state === 'C');
  const kind = type.replace(/array$/, '');
  if (kind === 'after' || kind === 'afterstart') {
    if (members.every(({ attempt }) => attempt > 0)) return 'met';
    return complete.some(({ attempt }) => attempt === 0) ? 'never' : 'open';
  }
  const wrong = complete.some(({ exitStatus }) =>
    kind === 'afterok' ? exitStatus !== 0 : kind === 'afternotok' && exitStatus === 0,
  );
  if (wrong) return 'never';
  return complete.length === members.length ? 'met' : 'open';
}
