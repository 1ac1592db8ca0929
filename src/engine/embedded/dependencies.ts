import type { Batch } from './batch.ts';
import {
  afterOf,
  type Dependency,
  fateOf,
  isAfter,
  isWaiting,
  MISSING_DEPENDENCIES,
  mirrorOf,
  parseDepend,
  withDependency,
  withOneNamed,
  withoutDependency,
} from './depend.ts';
import { holdsOf, isArray, type Job, withHolds } from './job.ts';
import { PBSE, PbsError } from './protocol.ts';

/** Releases jobs when what they wait for has happened, and deletes those for which it cannot happen any more. */
export class Dependencies {
  readonly #batch: Batch;
  /** Which jobs wait for a job. */
  readonly #waiting = new Map<string, Set<string>>();

  /** @param batch whose jobs may be from an earlier daemon, which may have ended between an event and its effect */
  constructor(batch: Batch) {
    this.#batch = batch;
    for (const job of batch.all()) this.#remember(job);
    batch.listen((jobs) => this.#settle(jobs.map(({ id }) => id)));
    this.#settle([...this.#waiting.keys()]);
  }

  /**
   * Read a job's dependencies.
   * @param owner who may name own jobs to be held until his
   * @throws PbsError when one is on a job that is not there or that it can never be met by
   */
  check(text: string, owner: number): Dependency[] {
    const list = parseDepend(text, this.#batch.server);
    if (list === undefined) throw invalid();
    for (const { type, ids } of list) {
      if (MISSING_DEPENDENCIES.has(type)) {
        throw new PbsError(PBSE.BADDEPEND, `dependency ${type} is not available in the embedded batch system`);
      }
      for (const id of ids) this.#checkOther(type, id, owner);
    }
    return list;
  }

  #checkOther(type: string, id: string, owner: number): void {
    const other = this.#batch.get(id);
    if (other === undefined || isArray(other) !== type.endsWith('array')) throw invalid();
    if (isAfter(type)) {
      if (fateOf(type, this.#batch.membersOf(other)) === 'never') throw invalid();
    } else if (other.owner.uid !== owner || !other.depend?.some((one) => one.type === 'on')) {
      throw invalid();
    }
  }

  /** Make a job wait; its earlier dependencies are gone. The list has been checked. */
  register(job: Job, list: readonly Dependency[]): void {
    this.#forget(job);
    this.#batch.update(job, { depend: list });
    this.#remember(job);
    const wait = isWaiting(list);
    const now = this.#batch.now();
    this.#batch.updateAll(this.#batch.membersOf(job), (member) =>
      withHolds(member, wait ? `${holdsOf(member)}s` : holdsOf(member).replace('s', ''), now),
    );
    for (const { type, ids } of list) {
      for (const id of ids) this.#mirror(job, type, id);
    }
    this.#settle(list.flatMap(({ ids }) => ids));
  }

  /** The other job's list says what this one's says, seen from there. */
  #mirror(job: Job, type: string, id: string): void {
    const other = this.#batch.get(id);
    if (other === undefined) return;
    const { depend = [] } = other;
    const after = afterOf(type);
    const changed =
      after === undefined
        ? withDependency(depend, mirrorOf(type), job.id)
        : withDependency(withOneNamed(depend), after, job.id);
    this.#batch.update(other, { depend: changed });
    this.#remember(other);
  }

  #remember(job: Job): void {
    if (job.state === 'C') return;
    for (const { type, ids } of job.depend ?? []) {
      if (!isAfter(type)) continue;
      for (const id of ids) this.#waiting.set(id, (this.#waiting.get(id) ?? new Set()).add(job.id));
    }
  }

  #forget(job: Job): void {
    for (const { type, ids } of job.depend ?? []) {
      for (const id of ids) {
        const other = this.#batch.get(id);
        if (!isAfter(type) || other?.depend === undefined) continue;
        this.#waiting.get(id)?.delete(job.id);
        this.#batch.update(other, { depend: withoutDependency(other.depend, mirrorOf(type), job.id) });
      }
    }
  }

  /** Look at all jobs that wait for one of these. */
  #settle(ids: readonly string[]): void {
    for (const id of ids) {
      const changed = this.#batch.get(id);
      // An element concerns those who wait for its array.
      const other = typeof changed?.element === 'number' ? this.#batch.get(id.replace(/\[\d+\]/, '[]')) : changed;
      if (other === undefined) continue;
      for (const waiting of [...(this.#waiting.get(other.id) ?? [])]) {
        const job = this.#batch.get(waiting);
        if (job !== undefined) this.#settleOne(job, other);
      }
    }
  }

  #settleOne(job: Job, other: Job): void {
    for (const { type, ids } of job.depend ?? []) {
      if (!isAfter(type) || !ids.includes(other.id)) continue;
      const fate = fateOf(type, this.#batch.membersOf(other));
      if (fate === 'open') continue;
      this.#waiting.get(other.id)?.delete(job.id);
      if (fate === 'never') {
        this.#delete(job, other);
        return;
      }
      this.#batch.update(job, { depend: withoutDependency(job.depend ?? [], type, other.id) });
      if (!isWaiting(job.depend ?? [])) this.#release(job);
    }
  }

  #release(job: Job): void {
    const now = this.#batch.now();
    this.#batch.updateAll(this.#batch.membersOf(job), (member) =>
      withHolds(member, holdsOf(member).replace('s', ''), now),
    );
  }

  #delete(job: Job, other: Job): void {
    const waiting = this.#batch.membersOf(job).filter(({ state }) => state === 'Q' || state === 'H');
    const comment = `Job deleted as result of dependency on job ${other.id}`;
    const endTime = this.#batch.now();
    this.#batch.account('A', job);
    this.#batch.updateAll(waiting, { state: 'C', exitStatus: 271, endTime, comment });
  }
}

function invalid(): PbsError {
  return new PbsError(PBSE.BADDEPEND, 'Invalid Job Dependency');
}
