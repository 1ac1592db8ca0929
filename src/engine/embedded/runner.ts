import { readFileSync } from 'node:fs';
import { messageOf } from '../../base/index.ts';
import { parseWalltime } from '../../pbs/index.ts';
import type { Accounts } from './accounts.ts';
import type { Batch } from './batch.ts';
import { isArray, type Job, resourceOf } from './job.ts';
import type { InstancePlaces } from './places.ts';
import type { Settings } from './settings.ts';
import { type JobResult, ShepherdLink } from './shepherd-link.ts';
import { filesOf, KILL_DELAY_S, placeFiles, removeFiles, specOf } from './start-job.ts';
import type { Terminals } from './terminals.ts';

/** The exit status of a job that could not be run at all, as Torque's node daemon has it (JOB_EXEC_FAIL1, JOB_EXEC_FAIL2). */
const FAILED_BEFORE_START = -1;
const FAILED = -2;
/** A shepherd that was sent to `discard` has done so, a hook of a sister has failed, or the job was to run again. */
const RETRY = -3;
/** A hook of the first node has failed in a way that lets the job run again. */
const RETRY_PROLOGUE = -14;

/** As if its shell had died of TERM. */
const DELETED = 256 + 15;

const MAX_STARTS_WITHOUT_LIFE = 3;
/** Torque starts a job again and again whose prologue fails; here it is held after so many times. */
const MAX_FAILED_HOOKS = 10;

export interface RunnerOptions {
  readonly places: InstancePlaces;
  readonly accounts: Accounts;
  readonly shepherd: string;
  readonly version: string;
  readonly settings: Settings;
  /** Of this moment: see bootId(). */
  readonly boot: string;
  /** Open for appending; the shepherds write to it as well. */
  readonly logFd: number;
  readonly log: (line: string) => void;
  readonly batch: () => Batch;
  readonly terminals: Terminals;
}

/** Starts jobs, hears of their ends, and finds both again after a restart. */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #links = new Map<string, ShepherdLink>();
  /** Jobs to which this daemon has sent a shepherd that clears up. */
  readonly #clearing = new Set<string>();

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Start a job that has its slots. */
  start(job: Job): void {
    this.#startUp(job).catch((error: unknown) => this.#fail(job, messageOf(error)));
  }

  async #startUp(job: Job): Promise<void> {
    const { places, accounts, shepherd, version, settings, logFd, terminals } = this.#options;
    const account = await accounts.account(job.owner.uid);
    if (account === undefined) throw new Error(`user ${job.owner.name} does not exist`);
    await placeFiles(job, account, places, terminals.authorityOf(job.id));
    const link = this.#linkOf(job);
    await link.prepare(specOf(job, account, places, { version, prologAlarmS: settings.prologAlarmS }));
    if (job.deleting) {
      await link.remove();
      await this.#complete(job, { exitStatus: DELETED });
      return;
    }
    if (job.rerunning) {
      await link.remove();
      await this.#again(job);
      return;
    }
    this.#links.set(job.id, link);
    if (job.submission.interactive) terminals.hand(job.id, (client) => link.start(shepherd, 'run', logFd, client));
    else link.start(shepherd, 'run', logFd);
    this.#options.log(`${job.id} started, attempt ${job.attempt}`);
  }

  /** Take up the running jobs of an earlier daemon. */
  adopt(): void {
    const running = this.#options
      .batch()
      .all()
      .filter((job) => job.state === 'R' && !isArray(job));
    for (const job of running) {
      const link = this.#linkOf(job);
      this.#links.set(job.id, link);
      link.attach();
      // The daemon may have died between the promise to end the job and the order.
      if (job.deleting) this.end(job, KILL_DELAY_S * 1000);
      else if (job.rerunning) this.rerun(job);
      this.limitTime(job);
    }
  }

  /** Send a signal to the processes of a job; false when it has none yet or any more. */
  signal(job: Job, signal: number): boolean {
    return this.#tell(job, (link) => link.signal(signal));
  }

  /** End a running job: TERM, `delayMs`, KILL. A job that is only just starting ends as soon as it can be told so. */
  end(job: Job, delayMs: number): void {
    this.#tell(job, (link) => link.end(delayMs));
  }

  /** End a running job so that it can run again. */
  rerun(job: Job): void {
    this.#tell(job, (link) => link.rerun());
  }

  /** Tell a running job the time limit that it has now. */
  limitTime(job: Job): void {
    const walltime = job.altered?.resources && resourceOf(job, 'walltime');
    if (walltime !== undefined) this.#tell(job, (link) => link.limitTime(parseWalltime(walltime)));
  }

  #tell(job: Job, order: (link: ShepherdLink) => void): boolean {
    const link = this.#links.get(job.id);
    if (link === undefined) return false;
    try {
      order(link);
      return true;
    } catch (error) {
      // Nobody reads the orders: the shepherd is gone, and that is being dealt with.
      this.#options.log(`${job.id} cannot be told: ${messageOf(error)}`);
      return false;
    }
  }

  /** Leave the jobs to their shepherds. */
  detach(): void {
    for (const link of this.#links.values()) link.detach();
    this.#links.clear();
  }

  #linkOf(job: Job): ShepherdLink {
    const link: ShepherdLink = new ShepherdLink(filesOf(job, this.#options.places).runDir, {
      started: (session) => {
        if (job.session !== session) this.#options.batch().update(job, { session });
      },
      gone: () => {
        this.#conclude(job, link).catch((error: unknown) => this.#fail(job, messageOf(error)));
      },
    });
    return link;
  }

  /** No shepherd of the job lives any more. */
  async #conclude(job: Job, link: ShepherdLink): Promise<void> {
    if (this.#links.get(job.id) !== link) return;
    this.#links.delete(job.id);
    const result = await link.result();
    if (result !== undefined) this.#noteFailedHooks(job, result.failedHooks);
    if (result === undefined && (await link.wasPrepared())) {
      await this.#clearUp(job, link);
    } else if (result === undefined || result.status === RETRY || result.status === RETRY_PROLOGUE) {
      const [failed] = result?.failedHooks ?? [];
      await link.remove();
      if (failed !== undefined && !job.deleting && !job.rerunning) await this.#againAfter(job, failed);
      else await this.#again(job);
    } else {
      const session = await link.session();
      await this.#complete(job, { exitStatus: result.status, used: result.used, ...(session ? { session } : {}) });
      // Last: a daemon that is killed in between must not take the job for one that never ran.
      await link.remove();
    }
  }

  /**
   * The shepherds were killed: another one kills what is left of the job. It brings the output home, or, when the machine was
   * restarted under the job, throws it away, since the job can run again.
   */
  async #clearUp(job: Job, link: ShepherdLink): Promise<void> {
    if (this.#clearing.delete(job.id)) {
      // That one was killed as well, or could not do it.
      await this.#complete(job, { exitStatus: FAILED });
      await link.remove();
      return;
    }
    this.#options.log(`${job.id} has lost its shepherd`);
    // An earlier daemon may have decided, and died before it could send one.
    const mode = job.abandoned ?? (await this.#decide(job, link));
    this.#clearing.add(job.id);
    this.#options.batch().update(job, { abandoned: mode });
    this.#links.set(job.id, link);
    link.start(this.#options.shepherd, mode, this.#options.logFd);
  }

  async #decide(job: Job, link: ShepherdLink): Promise<'finish' | 'discard'> {
    const rebooted = job.boot !== this.#options.boot;
    if (job.rerunning && !(await link.hasEnded())) return 'discard';
    const started = (await link.session()) !== undefined;
    const over = (await link.hasEnded()) || (started && (!rebooted || !job.submission.rerunable));
    if (rebooted) await link.forgetSession();
    return over ? 'finish' : 'discard';
  }

  /** Nothing is left of this run of the job: it goes back to the queue, unless that has been tried too often. */
  async #again(job: Job): Promise<void> {
    if (job.deleting) {
      await this.#complete(job, { exitStatus: DELETED });
    } else if (job.rerunning) {
      await removeFiles(job, this.#options.places);
      this.#requeue(job);
    } else if (job.submission.interactive || this.#triedTooOften(job)) {
      await this.#complete(job, { exitStatus: FAILED_BEFORE_START, comment: 'Job could not be started' });
    } else {
      await removeFiles(job, this.#options.places);
      this.#requeue(job);
    }
  }

  /** As Torque does by default: a node that cannot prepare jobs gets none. */
  #noteFailedHooks(job: Job, failed: JobResult['failedHooks']): void {
    for (const { node, hook } of failed) {
      const name = job.allocation?.[node]?.node;
      this.#options.log(`${job.id}: hook ${hook} has failed on ${name}`);
      if (!this.#options.settings.downOnError || name === undefined) continue;
      this.#options.batch().mark(name, { down: true, note: `ERROR: prolog/epilog failed: ${hook}, job ${job.id}` });
    }
  }

  /** A hook has failed before the job could start. */
  async #againAfter(job: Job, { node, hook }: JobResult['failedHooks'][number]): Promise<void> {
    const name = job.allocation?.[node]?.node;
    await removeFiles(job, this.#options.places);
    const tries = job.attempt % MAX_FAILED_HOOKS;
    if (tries !== 0) {
      this.#requeue(job);
      return;
    }
    const comment = `Held after ${job.attempt} starts: hook ${hook} failed on ${name}`;
    this.#requeue(job, { state: 'H', holds: 's', etime: undefined, comment });
  }

  #triedTooOften(job: Job): boolean {
    return job.boot === this.#options.boot && job.attempt >= MAX_STARTS_WITHOUT_LIFE;
  }

  #requeue(job: Job, change: Partial<Job> = {}): void {
    this.#options.log(`${job.id} goes back to the queue`);
    const nothing = { allocation: undefined, session: undefined, startTime: undefined, comment: undefined };
    this.#clearing.delete(job.id);
    const again = { abandoned: undefined, rerunning: undefined };
    this.#options.batch().update(job, { ...nothing, ...again, state: 'Q', ...change });
  }

  async #complete(job: Job, end: Pick<Partial<Job>, 'exitStatus' | 'used' | 'comment' | 'session'>): Promise<void> {
    await removeFiles(job, this.#options.places);
    this.#clearing.delete(job.id);
    const batch = this.#options.batch();
    batch.update(job, { ...end, rerunning: undefined, state: 'C', endTime: batch.now() });
    this.#options.log(`${job.id} ended, exit status ${end.exitStatus}`);
  }

  #fail(job: Job, why: string): void {
    this.#options.log(`${job.id} failed: ${why}`);
    this.#links.get(job.id)?.detach();
    this.#links.delete(job.id);
    void this.#complete(job, { exitStatus: FAILED_BEFORE_START, comment: `Job could not be started: ${why}` }).catch(
      (error: unknown) => this.#options.log(`${job.id} cannot be completed: ${messageOf(error)}`),
    );
  }
}

/** One boot of this machine, or one life of this container. */
export function bootId(): string {
  const born = readFileSync('/proc/1/stat', 'utf8').split(') ')[1]?.split(' ')[19] ?? '';
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}.${born}`;
}
