import { formatRanges } from '../../base/index.ts';
import { parseArray, parseJobId } from '../../pbs/index.ts';
import { alteredBy, cannotModify } from './alter.ts';
import type { Batch } from './batch.ts';
import type { Dependencies } from './dependencies.ts';
import { holdsOf, isArray, type Job, type JobState, jobId, type Owner, withHolds } from './job.ts';
import { stateOf } from './node-marks.ts';
import { hostSlots } from './nodes.ts';
import { outputOf, spoolName } from './outputs.ts';
import {
  type Alteration,
  type NodeView,
  PBSE,
  PbsError,
  type Request,
  type StatusReply,
  type TaskReply,
} from './protocol.ts';
import type { Runner } from './runner.ts';
import { KILL_DELAY_S } from './start-job.ts';
import { checkTexts, type Site } from './submit.ts';
import { type UserRoom, weightOf } from './user-room.ts';
import { viewOf } from './views.ts';

/** Who asks. */
export interface Caller {
  readonly uid: number;
  /** The machine's administrator, or whoever runs this instance. */
  readonly manager: boolean;
}

const STATE_NAMES: Readonly<Record<JobState, string>> = { Q: 'QUEUED', H: 'HELD', R: 'RUNNING', C: 'COMPLETE' };

/** What users may do with jobs that are there. Errors are PbsErrors in Torque's words. */
export class Operations {
  readonly #batch: Batch;
  readonly #runner: Runner;
  readonly #dependencies: Dependencies;
  readonly #room: UserRoom;

  constructor(batch: Batch, runner: Runner, dependencies: Dependencies, room: UserRoom) {
    this.#dependencies = dependencies;
    this.#room = room;
    this.#batch = batch;
    this.#runner = runner;
  }

  /** The job that a user means: with or without the server's name, in brackets an element or the whole array. */
  find(text: string): Job | undefined {
    const id = parseJobId(text);
    if (id === undefined) return undefined;
    const { server } = this.#batch;
    if (id.server !== undefined && id.server !== server && !id.server.startsWith(`${server}.`)) return undefined;
    // An array is also known by its bare number.
    return (
      this.#batch.get(jobId(server, id.sequence, id.element)) ??
      (id.element === undefined ? this.#batch.get(jobId(server, id.sequence, 'all')) : undefined)
    );
  }

  #own(caller: Caller, text: string): Job {
    const job = this.find(text);
    if (job === undefined) throw new PbsError(PBSE.UNKJOBID, 'Unknown Job Id Error');
    if (!mayTouch(caller, job)) throw new PbsError(PBSE.PERM, 'Unauthorized Request  MSG=operation not permitted');
    return job;
  }

  status(
    caller: Caller,
    { ids, elements = false, full = false }: { ids?: readonly string[]; elements?: boolean; full?: boolean },
  ): StatusReply {
    const unknown: string[] = [];
    const chosen =
      ids === undefined ? this.#batch.all().filter((job) => elements || typeof job.element !== 'number') : [];
    for (const id of ids ?? []) {
      const job = this.find(id);
      if (job === undefined) unknown.push(id);
      else chosen.push(...(elements && isArray(job) ? this.#batch.membersOf(job) : [job]));
    }
    const shown = ids === undefined && elements ? chosen.filter((job) => !isArray(job)) : chosen;
    return {
      server: this.#batch.server,
      now: this.#batch.now(),
      jobs: shown.map((job) => viewOf(job, { full, trusted: mayTouch(caller, job) })),
      unknown,
    };
  }

  /** The job and, of an array, the elements that `range` names (all of them without it). */
  #members(job: Job, range: string | undefined): Job[] {
    const members = this.#batch.membersOf(job);
    if (range === undefined) return members;
    const wanted = new Set(parseArray(range).indexes);
    return members.filter(({ element }) => typeof element === 'number' && wanted.has(element));
  }

  delete(caller: Caller, id: string, range: string | undefined, delayMs: number | undefined): void {
    const job = this.#own(caller, id);
    const members = this.#members(job, range).filter(({ state }) => state !== 'C');
    if (members.length === 0) throw badState(job);
    const running = members.filter(({ state }) => state === 'R');
    const waiting = members.filter(({ state }) => state !== 'R');
    for (const member of range === undefined ? [job] : members) {
      this.#batch.account('D', member, requestor(caller, job));
    }
    this.#batch.updateAll(waiting, { state: 'C', endTime: this.#batch.now(), exitStatus: 271 });
    this.#batch.updateAll(running, { deleting: true });
    for (const member of running) {
      this.#runner.end(member, delayMs ?? (member.submission.killDelay ?? KILL_DELAY_S) * 1000);
    }
  }

  hold(caller: Caller, id: string, range: string | undefined, holds = 'u'): void {
    const job = this.#own(caller, id);
    checkHolds(caller, holds);
    if (!isArray(job) && job.state !== 'Q' && job.state !== 'H') throw badState(job);
    const now = this.#batch.now();
    this.#batch.updateAll(waiting(this.#members(job, range)), (member) =>
      withHolds(member, holdsOf(member) + holds, now),
    );
  }

  release(caller: Caller, id: string, range: string | undefined, holds = 'u'): void {
    const job = this.#own(caller, id);
    checkHolds(caller, holds);
    if (job.state === 'C') throw badState(job);
    const now = this.#batch.now();
    this.#batch.updateAll(waiting(this.#members(job, range)), (member) =>
      withHolds(
        member,
        [...holdsOf(member)].filter((letter) => !holds.includes(letter)),
        now,
      ),
    );
  }

  /** Change attributes of a job, or of elements of an array. */
  alter(caller: Caller, id: string, range: string | undefined, change: Alteration, site: Site): void {
    const job = this.#own(caller, id);
    checkHolds(caller, change.holds ?? '');
    const members = this.#members(job, range).filter(({ state }) => state !== 'C');
    if (members.length === 0) throw badState(job);
    const context = { site, caller, now: this.#batch.now() };
    const { slotLimit, depend, ...ofMembers } = change;
    if (depend !== undefined && members.some(({ state }) => state === 'R')) throw cannotModify();
    const dependencies = depend === undefined ? [] : this.#dependencies.check(depend, job.owner.uid);
    const limit = slotLimit === undefined ? {} : { slotLimit };
    // Of an array its own line shows what all elements have.
    const ofJob = isArray(job) && range === undefined ? change : limit;
    const targets: [Job, Alteration][] = [
      ...(isArray(job) || slotLimit !== undefined ? [[job, ofJob] as [Job, Alteration]] : []),
      ...(Object.keys(ofMembers).length === 0 ? [] : members.map((member): [Job, Alteration] => [member, ofMembers])),
    ];
    // All or nothing: every change is worked out before the first one is made.
    const changes = new Map<Job, Partial<Job>>();
    const left = this.#room.left(caller, job.owner.uid);
    for (const [target, wanted] of targets) {
      const altered = alteredBy(target, wanted, context);
      changes.set(target, altered);
      // One by one: each element of an array has a copy of its own from now on, and all of them may be too much to be made at all.
      if (altered.altered !== undefined) left.take(weightOf(altered.altered) - weightOf(target.altered ?? {}));
    }
    this.#batch.updateAll([...changes.keys()], (target) => changes.get(target) ?? {});
    if (depend !== undefined) this.#dependencies.register(job, dependencies);
    for (const member of members) if (member.state === 'R') this.#runner.limitTime(member);
  }

  /** Running jobs go back to the queue, and what they have written is gone. */
  rerun(caller: Caller, id: string, force: boolean): void {
    const job = this.find(id);
    if (job === undefined) throw new PbsError(PBSE.UNKJOBID, 'Unknown Job Id Error');
    if (!caller.manager) {
      const needed = 'additional permissions required (ATR_DFLAG_MGWR | ATR_DFLAG_OPWR)';
      throw new PbsError(PBSE.PERM, `Unauthorized Request  MSG=${needed}`);
    }
    const running = this.#batch.membersOf(job).filter(({ state }) => state === 'R');
    if (running.length === 0) throw badState(job);
    const { interactive, rerunable } = job.submission;
    if (interactive || (!rerunable && !force)) throw new PbsError(PBSE.NORERUN, 'Job is not rerunnable');
    this.#batch.updateAll(running, { rerunning: true });
    for (const member of running) this.#runner.rerun(member);
  }

  signal(caller: Caller, id: string, signal: number): void {
    const job = this.#own(caller, id);
    const running = this.#batch.membersOf(job).filter(({ state }) => state === 'R');
    if (running.length === 0) throw badState(job);
    // Short of being killed, a job that is being made ready has nothing yet that could take a signal.
    const reached = running.filter((member) => this.#runner.signal(member, signal));
    if (reached.length === 0) throw badState(job);
  }

  /** What a further task of a running job needs to know. */
  task(
    caller: Caller,
    id: string,
    taskOf: (job: Job) => Promise<Omit<TaskReply, 'out' | 'err' | 'hosts'>>,
    spool: string,
  ): Promise<TaskReply> {
    const job = this.#own(caller, id);
    if (job.state !== 'R') throw badState(job);
    const { join } = job.submission;
    const path = (stream: 'out' | 'err'): string => {
      if (job.submission.interactive) return '/dev/tty';
      const output = outputOf(job, stream);
      return output.direct ? output.to : `${spool}/${spoolName(job, stream)}`;
    };
    const out = path(join === 'eo' ? 'err' : 'out');
    const err = path(join === 'oe' ? 'out' : 'err');
    return taskOf(job).then((task) => ({ ...task, hosts: hostSlots(job.allocation ?? []), out, err }));
  }

  /** Change what is said about a node. */
  mark(caller: Caller, { node, offline, reset, note }: Request & { op: 'mark' }): void {
    if (!caller.manager) throw new PbsError(PBSE.PERM, 'Unauthorized Request  MSG=operation not permitted');
    if (!this.#batch.nodes.some(({ name }) => name === node)) {
      throw new PbsError(PBSE.UNKNODE, 'Unknown node  MSG=cannot locate specified node');
    }
    checkTexts(note === undefined ? {} : { name: note });
    this.#batch.mark(node, {
      ...(offline === undefined ? {} : { offline }),
      ...(reset ? { down: false, offline: false } : {}),
      ...(note === undefined ? {} : { note }),
    });
  }

  nodes(memory: number): NodeView[] {
    const running = this.#batch.all().filter(({ state, allocation }) => state === 'R' && allocation !== undefined);
    return this.#batch.nodes.map(({ name, np }) => {
      const uses = running.flatMap((job) =>
        (job.allocation ?? []).filter(({ node }) => node === name).map(({ slots }) => ({ job, slots })),
      );
      const taken = uses.reduce((sum, { slots }) => sum + slots.length, 0);
      const jobs = uses.map(({ job, slots }) => `${formatRanges(slots)}/${job.id}`);
      const mark = this.#batch.markOf(name);
      const note = mark.note ? { note: mark.note } : {};
      return { name, np, memory, state: stateOf(mark, taken >= np), jobs, ...note };
    });
  }
}

function mayTouch(caller: Caller, job: { readonly owner: Owner }): boolean {
  return caller.manager || caller.uid === job.owner.uid;
}

/** `user@host`, for the records. */
function requestor({ uid }: Caller, { owner, submission }: Job): string {
  const name = uid === owner.uid ? owner.name : uid === 0 ? 'root' : String(uid);
  return `${name}@${submission.submitHost}`;
}

function waiting(jobs: readonly Job[]): Job[] {
  return jobs.filter(({ state }) => state === 'Q' || state === 'H');
}

/** Users hold their own jobs; the other holds are the managers'. */
function checkHolds({ manager }: Caller, holds: string): void {
  if (!manager && /[os]/.test(holds))
    throw new PbsError(PBSE.PERM, 'Unauthorized Request  MSG=operation not permitted');
}

export function badState(job: Job): PbsError {
  return new PbsError(
    PBSE.BADSTATE,
    `Request invalid for state of job MSG=invalid state for job - ${STATE_NAMES[job.state]}`,
  );
}
