import { constants } from 'node:os';
import { type Env, messageOf } from '../../base/index.ts';
import type {
  BatchNode,
  Engine,
  InteractiveCommand,
  JobDescription,
  JobState,
  JobStatus,
  LiveJobs,
  Submitted,
} from '../engine.ts';
import { noBatchSystem } from '../errors.ts';
import { byAskedName } from '../pbs/asked-names.ts';
import { execHosts } from '../pbs/job-status.ts';
import { engineError } from '../run-command.ts';
import { NoServerError, request } from './client.ts';
import { type InfoReply, type JobView, type NodesReply, PbsError, type Request, type StatusReply } from './protocol.ts';

/** The embedded batch system for its users: through its daemon, and through its qsub for what qsub knows. */
export class EmbeddedEngine implements Engine {
  readonly name = 'embedded';
  readonly qsub: string;
  readonly #env: Env;

  constructor(qsub: string, env: Env) {
    this.qsub = qsub;
    this.#env = env;
  }

  async interactiveCommand(options: readonly string[], program: readonly string[]): Promise<InteractiveCommand> {
    return { command: [this.qsub, '-I', '-x', ...options, ...program] };
  }

  async submit(job: JobDescription): Promise<Submitted> {
    const { submitByQsub } = await import('../pbs/submit.ts');
    return submitByQsub(this.qsub, job, this.#env);
  }

  async status(ids: readonly string[]): Promise<ReadonlyMap<string, JobStatus>> {
    if (ids.length === 0) return new Map();
    const { jobs } = await this.#ask<StatusReply>('ask for the state of jobs', { op: 'status', ids });
    return byAskedName(ids, jobs.map(statusOf), (_, [first]) => first as JobStatus);
  }

  cancel(ids: readonly string[]): Promise<void> {
    return this.#each(ids, 'delete', (id) => ({ op: 'delete', id }));
  }

  hold(ids: readonly string[]): Promise<void> {
    return this.#each(ids, 'hold', (id) => ({ op: 'hold', id }));
  }

  release(ids: readonly string[]): Promise<void> {
    return this.#each(ids, 'release', (id) => ({ op: 'release', id }));
  }

  signal(ids: readonly string[], signal: NodeJS.Signals): Promise<void> {
    return this.#each(ids, `send ${signal} to`, (id) => ({ op: 'signal', id, signal: constants.signals[signal] }));
  }

  /** @throws VtorqueError `E_NO_BATCH_SYSTEM` when it does not run */
  async nodes(): Promise<readonly BatchNode[]> {
    try {
      return (await request<NodesReply>(this.#env, { op: 'nodes' })).nodes;
    } catch (error) {
      if (!(error instanceof NoServerError || error instanceof PbsError)) throw error;
      throw noBatchSystem(`the embedded one does not answer (${error.message})`);
    }
  }

  async queues(): Promise<readonly string[] | undefined> {
    return (await this.#ask<NodesReply>('ask for its queues', { op: 'nodes' })).queues;
  }

  async liveJobs(): Promise<LiveJobs> {
    try {
      const { jobs } = await this.#ask<StatusReply>('ask which jobs there are', { op: 'status', elements: true });
      const { dir } = await this.#ask<InfoReply>('ask which one it is', { op: 'info' });
      return { known: true, cluster: dir, ids: new Set(jobs.filter(({ state }) => state !== 'C').map(({ id }) => id)) };
    } catch (error) {
      return { known: false, why: messageOf(error) };
    }
  }

  /** One that fails does not keep the others from it. */
  async #each(ids: readonly string[], verb: string, make: (id: string) => Request): Promise<void> {
    const outcomes = await Promise.allSettled(ids.map((id) => request<object>(this.#env, make(id))));
    const failures = outcomes.flatMap((outcome, index): string[] => {
      if (outcome.status === 'fulfilled') return [];
      if (!(outcome.reason instanceof PbsError || outcome.reason instanceof NoServerError)) throw outcome.reason;
      return [`${outcome.reason.message} ${ids[index]}`];
    });
    if (failures.length > 0) throw engineError(`${verb} jobs`, failures.join('\n'));
  }

  async #ask<T>(action: string, message: Request): Promise<T> {
    try {
      return await request<T>(this.#env, message);
    } catch (error) {
      if (!(error instanceof NoServerError || error instanceof PbsError)) throw error;
      throw engineError(action, error.message, error);
    }
  }
}

const STATES: Readonly<Record<JobView['state'], JobState>> = { Q: 'queued', H: 'held', R: 'running', C: 'complete' };

function statusOf({ id, name, owner, queue, state, execHost, exitStatus }: JobView): JobStatus {
  return {
    ...{ id, name, owner, queue, state: STATES[state] },
    nodes: state === 'R' ? execHosts(execHost ?? '') : [],
    ...(state === 'C' && exitStatus !== undefined ? { exitStatus } : {}),
  };
}
