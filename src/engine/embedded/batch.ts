import { type AccountingEvent, accountingLine, eventOf } from './accounting.ts';
import { isArray, type Job, jobId } from './job.ts';
import { isUsable, type NodeMark } from './node-marks.ts';
import type { VirtualNode } from './nodes.ts';
import { schedule } from './schedule.ts';
import type { Queue } from './settings.ts';
import type { Store } from './store.ts';

export interface BatchOptions {
  readonly store: Store;
  /** The name in the jobs' ids. */
  readonly server: string;
  readonly nodes: readonly VirtualNode[];
  readonly keepCompletedMs: number;
  readonly now: () => number;
  /** Of the machine; noted with every job that is started. */
  readonly boot: string;
  /** Start a job that is marked as running already. */
  readonly start: (job: Job) => void;
  readonly queues: readonly Queue[];
  /** Write an accounting record. */
  readonly account: (line: string, time: number) => void;
  /** A job, or a whole array, has become complete: nothing needs its script any more. */
  readonly completed: (sequence: number) => void;
}

/** All jobs and their states: in memory for reading, on disk before anybody is told. */
export class Batch {
  readonly #options: BatchOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #marks: Map<string, NodeMark>;
  readonly #listeners: ((jobs: readonly Job[]) => void)[] = [];
  #scheduling = false;
  #paused = false;

  constructor(options: BatchOptions) {
    this.#options = options;
    this.#marks = new Map(JSON.parse(options.store.setting('nodes', '[]')) as [string, NodeMark][]);
    for (const job of options.store.load()) this.#jobs.set(job.id, job);
  }

  get server(): string {
    return this.#options.server;
  }

  get nodes(): readonly VirtualNode[] {
    return this.#options.nodes;
  }

  get queues(): readonly Queue[] {
    return this.#options.queues;
  }

  /** What was said about a node. */
  markOf(node: string): NodeMark {
    return this.#marks.get(node) ?? {};
  }

  /** Change what is said about a node; on disk when this returns. */
  mark(node: string, change: NodeMark): void {
    this.#marks.set(node, { ...this.markOf(node), ...change });
    this.#options.store.setSetting('nodes', JSON.stringify([...this.#marks]));
    this.reschedule();
  }

  peekSequence(): number {
    return this.#options.store.peekSequence();
  }

  now(): number {
    return this.#options.now();
  }

  /** In the order of submission; an array comes before its elements. */
  all(): Job[] {
    return [...this.#jobs.values()];
  }

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  /** The elements of an array; the job itself when it is none. */
  membersOf(job: Job): Job[] {
    const { indexes = [] } = job;
    if (!isArray(job)) return [job];
    return indexes.flatMap((index) => this.get(jobId(this.server, job.sequence, index)) ?? []);
  }

  nextSequence(): number {
    return this.#options.store.nextSequence();
  }

  add(jobs: readonly Job[]): void {
    const [first] = jobs;
    if (first === undefined) return;
    this.#options.store.add(first.submission, jobs);
    for (const job of jobs) this.#jobs.set(job.id, job);
    this.account('Q', first);
    this.reschedule();
  }

  /** Write an accounting record about a job. @param by who asked for it */
  account(event: AccountingEvent, job: Job, by?: string): void {
    const now = this.now();
    this.#options.account(accountingLine(event, job, now, by), now);
  }

  /** Call `changed` with the jobs of each change, once they are on disk. */
  listen(changed: (jobs: readonly Job[]) => void): void {
    this.#listeners.push(changed);
  }

  /** Change a job; on disk when this returns. What waits for it is told. */
  update(job: Job, change: Partial<Job>): void {
    this.updateAll([job], change);
  }

  /** The same for many jobs in one go: each write to the disk takes its time, and an array has up to 10,000 elements. */
  updateAll(jobs: readonly Job[], change: Partial<Job> | ((job: Job) => Partial<Job>)): void {
    if (jobs.length === 0) return;
    const mtime = this.now();
    const before = jobs.map(({ state }) => state);
    for (const job of jobs) Object.assign(job, typeof change === 'function' ? change(job) : change, { mtime });
    const sequences = new Set(jobs.flatMap(({ element, sequence }) => (typeof element === 'number' ? [sequence] : [])));
    const arrays = [...sequences].flatMap((sequence) => this.get(jobId(this.server, sequence, 'all')) ?? []);
    for (const array of arrays) Object.assign(array, this.#arrayState(array));
    this.#options.store.saveAll([...jobs, ...arrays]);
    for (const [i, job] of jobs.entries()) {
      const event = eventOf(job, before[i] ?? job.state);
      if (event !== undefined) this.account(event, job);
    }
    for (const { id } of [...jobs, ...arrays]) for (const tell of this.#watchers.get(id) ?? []) tell();
    for (const changed of this.#listeners) changed([...jobs, ...arrays]);
    for (const { element, state, sequence } of [...jobs, ...arrays]) {
      if (state === 'C' && typeof element !== 'number') this.#options.completed(sequence);
    }
    this.reschedule();
  }

  /** An array is complete when all its elements are, and runs once one of them has. */
  #arrayState(array: Job): Partial<Job> {
    const members = this.membersOf(array);
    const every = (state: string): boolean => members.every((member) => member.state === state);
    const mtime = this.now();
    if (every('C')) return { state: 'C', endTime: mtime, mtime };
    const started = members.flatMap(({ startTime }) => startTime ?? []);
    if (started.length > 0) return { state: 'R', startTime: Math.min(...started), mtime };
    return { state: every('H') ? 'H' : 'Q', mtime };
  }

  /** Call `tell` after every change of the job, until the returned function is called. */
  watch(id: string, tell: () => void): () => void {
    const watchers = this.#watchers.get(id) ?? new Set();
    watchers.add(tell);
    this.#watchers.set(id, watchers);
    return () => {
      watchers.delete(tell);
      if (watchers.size === 0) this.#watchers.delete(id);
    };
  }

  /** Start what can start, after everything that happens at this moment has happened. */
  reschedule(): void {
    if (this.#scheduling || this.#paused) return;
    this.#scheduling = true;
    setImmediate(() => {
      this.#scheduling = false;
      this.#startWhatFits();
    });
  }

  /** Start nothing any more. */
  pause(): void {
    this.#paused = true;
  }

  #startWhatFits(): void {
    if (this.#paused) return;
    const usable = this.nodes.filter(({ name }) => isUsable(this.markOf(name)));
    const stopped = new Set(this.queues.filter(({ started }) => !started).map(({ name }) => name));
    for (const { job, allocation } of schedule(this.all(), usable, (queue) => stopped.has(queue))) {
      const startTime = this.now();
      const { boot } = this.#options;
      const comment = startComment(startTime);
      this.update(job, { state: 'R', allocation, startTime, boot, attempt: job.attempt + 1, comment });
      this.#options.start(job);
    }
  }

  /** Forget what has been complete for long enough. An array goes as a whole. */
  purge(): void {
    const oldest = this.now() - this.#options.keepCompletedMs;
    for (const job of this.all()) {
      if (typeof job.element === 'number' || job.state !== 'C' || (job.endTime ?? 0) > oldest) continue;
      this.#options.store.remove(job.sequence);
      for (const member of [job, ...this.membersOf(job)]) this.#jobs.delete(member.id);
    }
  }
}

/** `Job started on Sun Nov 22 at 06:12` */
function startComment(time: number): string {
  const [day, month, date] = new Date(time).toString().split(' ');
  return `Job started on ${day} ${month} ${date} at ${new Date(time).toTimeString().slice(0, 5)}`;
}
