import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import type { Accounts } from './accounts.ts';
import type { Batch } from './batch.ts';
import { checkRequest } from './check-request.ts';
import type { Dependencies } from './dependencies.ts';
import { jobEnvironment } from './environment.ts';
import { holdsOf, type Job, type JobState, withHolds } from './job.ts';
import { Operations } from './operations.ts';
import type { InstancePlaces } from './places.ts';
import {
  type InfoReply,
  MAX_AUTHORITY,
  MAX_BODY,
  PBSE,
  PbsError,
  PROTOCOL_VERSION,
  type Request,
  type ServerReply,
  type TaskReply,
} from './protocol.ts';
import type { Runner } from './runner.ts';
import type { Exchange } from './server.ts';
import { queueViews } from './server-view.ts';
import type { Settings } from './settings.ts';
import { filesOf, submittedScript } from './start-job.ts';
import { checkSubmission, elementCount, jobsOf, type Site } from './submit.ts';
import type { Terminals } from './terminals.ts';
import { roomOf, roomOfElements, type UserRoom } from './user-room.ts';
import { viewOf } from './views.ts';

export interface InstanceOptions {
  readonly places: InstancePlaces;
  readonly accounts: Accounts;
  readonly batch: Batch;
  readonly room: UserRoom;
  readonly dependencies: Dependencies;
  readonly runner: Runner;
  readonly terminals: Terminals;
  readonly settings: Settings;
  readonly version: string;
  /** Bytes. */
  readonly memory: number;
  readonly since: number;
  readonly keepCompletedMs: number;
  readonly stop: (killJobs: boolean) => Promise<void>;
}

/** What the daemon does with each request. */
export class Instance {
  readonly #options: InstanceOptions;
  readonly #operations: Operations;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.#operations = new Operations(options.batch, options.runner, options.dependencies, options.room);
  }

  async handle(exchange: Exchange): Promise<object | undefined> {
    const { caller } = exchange;
    const request = checkRequest(exchange.request);
    const { memory } = this.#options;
    switch (request.op) {
      case 'submit':
        return this.#submit(exchange, request);
      case 'status':
        return this.#operations.status(caller, request);
      case 'wait':
        return this.#wait(exchange, request.id);
      case 'delete':
        this.#operations.delete(caller, request.id, request.elements, request.delayMs);
        return {};
      case 'hold':
        this.#operations.hold(caller, request.id, request.elements, request.holds);
        return {};
      case 'release':
        this.#operations.release(caller, request.id, request.elements, request.holds);
        return {};
      case 'alter':
        this.#operations.alter(caller, request.id, request.elements, request.change, this.#site());
        return {};
      case 'rerun':
        this.#operations.rerun(caller, request.id, request.force ?? false);
        return {};
      case 'signal':
        this.#operations.signal(caller, request.id, request.signal);
        return {};
      case 'task':
        return this.#operations.task(caller, request.id, (job) => this.#task(job), this.#options.places.spool);
      case 'nodes':
        return {
          nodes: this.#operations.nodes(memory),
          queues: this.#options.settings.queues.map(({ name }) => name),
        };
      case 'mark':
        this.#operations.mark(caller, request);
        return {};
      case 'server':
        return this.#server();
      case 'info':
        return this.#info();
      case 'stop':
        if (!caller.manager) throw new PbsError(PBSE.PERM, 'Unauthorized Request  MSG=operation not permitted');
        await this.#options.stop(request.killJobs);
        return {};
    }
  }

  async #submit(exchange: Exchange, request: Request & { op: 'submit' }): Promise<{ id: string } | undefined> {
    const { caller, body } = exchange;
    const { places, accounts, batch, dependencies, room } = this.#options;
    if ((request.authority ?? '').length > MAX_AUTHORITY)
      throw new PbsError(PBSE.BADATVAL, 'Illegal attribute or resource value');
    if (request.body > MAX_BODY) throw new PbsError(PBSE.SYSTEM, `script is larger than ${MAX_BODY >> 20} MB`);
    const arrived = join(places.incoming, randomUUID());
    try {
      using reserved = await reserveFor(exchange, request, room);
      await receive(body(request.body), arrived);
      if (caller.uid === 0) throw new PbsError(PBSE.PERM, 'root can not submit jobs');
      const submission = checkSubmission(request.submission, this.#site());
      using _ = room.reserve(caller, roomOfElements(elementCount(submission)));
      const account = await accounts.account(caller.uid);
      if (account === undefined) throw new PbsError(PBSE.PERM, 'User does not exist in server password file');
      const { uid, name, groupName, home } = account;
      const depend = submission.depend === undefined ? [] : dependencies.check(submission.depend, caller.uid);
      const sequence = batch.nextSequence();
      const owner = { uid, name, group: groupName, home };
      const [first, ...elements] = jobsOf(submission, owner, batch.server, sequence, batch.now());
      if (first === undefined) throw new PbsError(PBSE.INTERNAL, 'Internal server error');
      const job: Job = { ...first, scriptBytes: request.body };
      // The script first: a job that is in the list has one.
      await rename(arrived, submittedScript(job, places));
      // Held from its first moment, since it may start right after this.
      if (depend.length > 0) {
        for (const member of [job, ...elements]) {
          Object.assign(member, withHolds(member, `${holdsOf(member)}s`, batch.now()));
        }
      }
      batch.add([job, ...elements]);
      reserved[Symbol.dispose]();
      if (depend.length > 0) dependencies.register(job, depend);
      return submission.interactive ? await this.#keepTerminal(exchange, job, request.authority) : { id: job.id };
    } finally {
      await rm(arrived, { force: true });
    }
  }

  #site(): Site {
    const { batch, memory, settings } = this.#options;
    const { queues, defaultQueue } = settings;
    return { server: batch.server, nodes: batch.nodes, memory, queues, defaultQueue };
  }

  /** An interactive job lives as long as its client does. */
  async #keepTerminal({ reply, patient, socket, signal }: Exchange, job: Job, authority?: string): Promise<undefined> {
    const { batch, terminals } = this.#options;
    reply({ id: job.id });
    patient();
    const { promise, reject } = Promise.withResolvers<never>();
    const unwatch = batch.watch(job.id, () => {
      if (job.state === 'C') reject(new PbsError(PBSE.BADSTATE, job.comment ?? 'Job deleted'));
    });
    try {
      const started = await Promise.race([terminals.keep(job.id, socket, signal, authority), promise]);
      if (started || (job.state !== 'Q' && job.state !== 'H')) return;
      batch.update(job, { state: 'C', endTime: batch.now(), exitStatus: 271, comment: 'Its terminal is gone' });
    } finally {
      unwatch();
    }
  }

  async #wait({ caller, reply, signal, patient }: Exchange, id: string): Promise<undefined> {
    const { batch } = this.#options;
    const job = this.#operations.find(id);
    if (job === undefined) throw new PbsError(PBSE.UNKJOBID, 'Unknown Job Id Error');
    patient();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const tell = (): void => {
      const trusted = caller.manager || caller.uid === job.owner.uid;
      reply({ job: viewOf(job, { full: false, trusted }) });
      if (job.state === 'C') resolve(undefined);
    };
    const unwatch = batch.watch(job.id, tell);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
    tell();
    return promise.finally(unwatch);
  }

  async #task(job: Job): Promise<Pick<TaskReply, 'env' | 'cwd'>> {
    const { places, accounts, version } = this.#options;
    const account = await accounts.account(job.owner.uid);
    if (account === undefined) throw new PbsError(PBSE.SYSTEM, 'User does not exist');
    const place = {
      dir: places.dir,
      aux: places.aux,
      ...filesOf(job, places),
      shell: job.submission.shell ?? account.shell,
      hostName: hostname(),
      version,
    };
    return { env: [...jobEnvironment(job, account, place)], cwd: account.home };
  }

  #server(): ServerReply {
    const { batch, version, since, keepCompletedMs, settings } = this.#options;
    const { queues, defaultQueue, downOnError } = settings;
    return {
      server: batch.server,
      version,
      since,
      defaultQueue,
      keepCompleted: keepCompletedMs / 1000,
      downOnError,
      nextSequence: batch.peekSequence(),
      queues: queueViews(queues, batch.all()),
    };
  }

  #info(): InfoReply {
    const { batch, places, version, since, keepCompletedMs } = this.#options;
    const jobs: Record<JobState, number> = { Q: 0, H: 0, R: 0, C: 0 };
    for (const job of batch.all()) if (job.element !== 'all') jobs[job.state]++;
    return {
      version,
      protocol: PROTOCOL_VERSION,
      pid: process.pid,
      server: batch.server,
      dir: places.dir,
      since,
      keepCompleted: keepCompletedMs / 1000,
      nodes: batch.nodes,
      jobs,
    };
  }
}

async function reserveFor(
  { caller, body }: Exchange,
  request: Request & { op: 'submit' },
  room: UserRoom,
): Promise<Disposable> {
  try {
    return room.reserve(caller, roomOf(request.submission, request.body));
  } catch (error) {
    // Who still sends when the connection ends may not hear why.
    for await (const _ of body(request.body));
    throw error;
  }
}

async function receive(pieces: AsyncIterable<Buffer>, path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const piece of pieces) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Remove what a daemon that was killed has left: half-arrived scripts, and scripts of jobs that never came to be or are complete. */
export async function removeLeftovers(places: InstancePlaces, jobs: readonly Job[]): Promise<void> {
  await rm(places.incoming, { recursive: true, force: true });
  const waiting = jobs.filter(({ element, state }) => typeof element !== 'number' && state !== 'C');
  const sequences = new Set(waiting.map(({ sequence }) => sequence));
  for (const name of await readdir(places.scripts)) {
    if (!sequences.has(Number(name))) await rm(join(places.scripts, name), { force: true });
  }
  const running = new Set(
    jobs.filter(({ state }) => state === 'R').map((job) => basename(filesOf(job, places).runDir)),
  );
  for (const name of await readdir(places.run)) {
    if (!running.has(name)) await rm(join(places.run, name), { recursive: true, force: true });
  }
}
