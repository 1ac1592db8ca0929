import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { type Env, messageOf } from '../../base/index.ts';
import type { BatchNode, JobStatus, LiveJobs } from '../engine.ts';
import { type CommandAnswer, engineError, runCommand } from '../run-command.ts';
import { NO_CLUSTER } from './allocation.ts';
import { byAskedName } from './asked-names.ts';
import { arrayStatusOf } from './job-status.ts';
import { seesAllJobs } from './sees-all.ts';

/** What tells one PBS from another, as far as its users' commands go. Readers are pure, and throw an Error for what they do not understand. */
export interface PbsDialect {
  readonly name: 'torque' | 'openpbs';
  /** For qstat: all about these jobs and the elements of arrays among them; about all jobs there are without ids. */
  statusArgs(ids: readonly string[]): readonly string[];
  /** The word to leave out where the site keeps no history of jobs, which qstat then says. */
  readonly historyOption?: string;
  readStatus(stdout: string): readonly JobStatus[];
  readonly nodesArgs: readonly string[];
  /** Undefined when the nodes do not say what they have. */
  readNodes(stdout: string): readonly BatchNode[] | undefined;
  readonly queuesArgs: readonly string[];
  /** Those that take jobs. */
  readQueues(stdout: string): readonly string[];
  /** How root asks this node alone which jobs it has: for nodes from which the server cannot be asked. */
  readonly here?: {
    /** From the directory of qsub. */
    readonly command: string;
    readonly args: readonly string[];
    readIds(stdout: string): readonly string[];
  };
}

/** The commands that stand beside a qsub, what they are asked and what they answer. */
export class PbsCommands {
  readonly #dialect: PbsDialect;
  readonly #qsub: string;
  readonly #env: Env;
  readonly #uid: number;

  /** @param uid whose questions these are */
  constructor(dialect: PbsDialect, qsub: string, env: Env, uid = process.getuid?.() ?? 0) {
    this.#dialect = dialect;
    this.#qsub = qsub;
    this.#env = env;
    this.#uid = uid;
  }

  async status(ids: readonly string[]): Promise<ReadonlyMap<string, JobStatus>> {
    if (ids.length === 0) return new Map();
    const action = 'ask for the state of jobs';
    const answer = await this.#askStatus(ids, action);
    // It tells of the jobs that it knows, and ends with an error for those that it does not.
    if (answer.code !== 0 && !onlyUnknownJobs(answer.stderr)) throw engineError(action, answer.stderr);
    const none = answer.code !== 0 && answer.stdout.trim() === '';
    return byAskedName(ids, none ? [] : this.#read(action, answer, this.#dialect.readStatus), arrayStatusOf);
  }

  /** One that orders something for all these jobs. */
  async order(command: string, ids: readonly string[], action: string, options: readonly string[] = []): Promise<void> {
    if (ids.length > 0) await this.#ask(command, [...options, ...ids], action);
  }

  async nodes(): Promise<readonly BatchNode[] | undefined> {
    const action = 'ask for the nodes';
    const answer = await this.#ask('pbsnodes', this.#dialect.nodesArgs, action);
    return this.#read(action, answer, this.#dialect.readNodes);
  }

  async queues(): Promise<readonly string[]> {
    const action = 'ask for the queues';
    return this.#read(action, await this.#ask('qstat', this.#dialect.queuesArgs, action), this.#dialect.readQueues);
  }

  async liveJobs(): Promise<LiveJobs> {
    const action = 'ask which jobs there are';
    try {
      const answer = expectSuccess('qstat', action, await this.#askStatus([], action));
      const jobs = this.#read(action, answer, this.#dialect.readStatus);
      // An ordinary user clears up after his own jobs only.
      if (this.#uid === 0 && !(await this.rootSeesAllJobs())) throw engineError(action, HIDDEN);
      return {
        known: true,
        cluster: NO_CLUSTER,
        ids: new Set(jobs.filter(({ state }) => state !== 'complete').map(({ id }) => id)),
      };
    } catch (error) {
      return (await this.#jobsHere()) ?? { known: false, why: messageOf(error) };
    }
  }

  /** @throws VtorqueError `E_ENGINE` where the server does not answer */
  async rootSeesAllJobs(): Promise<boolean> {
    const answer = await this.#ask('qstat', ['-B', '-f'], 'ask what root may see');
    return seesAllJobs(answer.stdout, hostname());
  }

  /** Undefined when this node does not tell either: it is no node, or does not run, or this is not root. */
  async #jobsHere(): Promise<LiveJobs | undefined> {
    const { here } = this.#dialect;
    if (here === undefined) return undefined;
    const action = 'ask which jobs there are on this node';
    try {
      const answer = expectSuccess(here.command, action, await this.#run(here.command, here.args, action));
      return { known: true, cluster: NO_CLUSTER, ids: new Set(this.#read(action, answer, here.readIds)) };
    } catch {
      // Why the server did not answer is what matters to who asks.
      return undefined;
    }
  }

  async #askStatus(ids: readonly string[], action: string): Promise<CommandAnswer> {
    const { historyOption } = this.#dialect;
    const args = this.#dialect.statusArgs(ids);
    const answer = await this.#run('qstat', args, action);
    if (answer.code === 0 || historyOption === undefined || !NO_HISTORY.test(answer.stderr)) return answer;
    return this.#run(
      'qstat',
      args.filter((arg) => arg !== historyOption),
      action,
    );
  }

  async #ask(command: string, args: readonly string[], action: string): Promise<CommandAnswer> {
    return expectSuccess(command, action, await this.#run(command, args, action));
  }

  #run(command: string, args: readonly string[], action: string): Promise<CommandAnswer> {
    return runCommand(join(dirname(this.#qsub), command), args, this.#env, action);
  }

  #read<T>(action: string, { stdout }: CommandAnswer, read: (stdout: string) => T): T {
    try {
      return read(stdout);
    } catch (error) {
      throw engineError(action, `the answer cannot be read (${messageOf(error)})`, error);
    }
  }
}

const HIDDEN = 'the server does not tell root of this host of the jobs of others (query_other_jobs)';

/** From the sources of OpenPBS. */
const NO_HISTORY = /not configured to maintain job history/;

function expectSuccess(command: string, action: string, answer: CommandAnswer): CommandAnswer {
  if (answer.code === 0) return answer;
  throw engineError(action, answer.stderr || `${command} ended with exit code ${answer.code}`);
}

/** `qstat: Unknown Job Id Error 9.head` of Torque, `qstat: Unknown Job Id 9.head` of OpenPBS. */
function onlyUnknownJobs(stderr: string): boolean {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return lines.length > 0 && lines.every((line) => /^qstat: Unknown Job Id\b/.test(line));
}
