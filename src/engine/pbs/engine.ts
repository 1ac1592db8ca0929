import type { Env } from '../../base/index.ts';
import type {
  BatchNode,
  Engine,
  InteractiveCommand,
  JobDescription,
  JobStatus,
  LiveJobs,
  Submitted,
} from '../engine.ts';
import type { PbsCommands, PbsDialect } from './commands.ts';

/**
 * A PBS through its qsub and the commands beside it. What understands the answers of those is loaded with the first question: most
 * who have one of these submit a job, and are gone.
 */
export class PbsEngine implements Engine {
  readonly name: PbsDialect['name'];
  readonly qsub: string;
  readonly #env: Env;
  #loaded: Promise<PbsCommands> | undefined;

  constructor(name: PbsDialect['name'], qsub: string, env: Env) {
    this.name = name;
    this.qsub = qsub;
    this.#env = env;
  }

  async check(job: Pick<JobDescription, 'argv' | 'options'>): Promise<void> {
    if (this.name === 'openpbs') (await import('../openpbs/check.ts')).checkForOpenPbs(job);
  }

  async interactiveCommand(options: readonly string[], program: readonly string[]): Promise<InteractiveCommand> {
    if (this.name === 'torque') return { command: [this.qsub, '-I', '-x', ...options, ...program] };
    const { interactiveCommand } = await import('../openpbs/interactive.ts');
    return { command: interactiveCommand(this.qsub, options, program, this.#env.SHELL) };
  }

  async submit(job: JobDescription): Promise<Submitted> {
    const { submitByQsub } = await import('./submit.ts');
    return submitByQsub(this.qsub, job, this.#env);
  }

  async status(ids: readonly string[]): Promise<ReadonlyMap<string, JobStatus>> {
    return (await this.#commands()).status(ids);
  }

  async cancel(ids: readonly string[]): Promise<void> {
    await (await this.#commands()).order('qdel', ids, 'delete jobs');
  }

  async hold(ids: readonly string[]): Promise<void> {
    await (await this.#commands()).order('qhold', ids, 'hold jobs');
  }

  async release(ids: readonly string[]): Promise<void> {
    await (await this.#commands()).order('qrls', ids, 'release jobs');
  }

  async signal(ids: readonly string[], signal: NodeJS.Signals): Promise<void> {
    await (await this.#commands()).order('qsig', ids, 'send a signal to jobs', ['-s', signal.replace(/^SIG/, '')]);
  }

  async nodes(): Promise<readonly BatchNode[] | undefined> {
    return (await this.#commands()).nodes();
  }

  async queues(): Promise<readonly string[]> {
    return (await this.#commands()).queues();
  }

  async liveJobs(): Promise<LiveJobs> {
    return (await this.#commands()).liveJobs();
  }

  async rootSeesAllJobs(): Promise<boolean> {
    return (await this.#commands()).rootSeesAllJobs();
  }

  #commands(): Promise<PbsCommands> {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  async #load(): Promise<PbsCommands> {
    const [{ PbsCommands }, dialect] = await Promise.all([
      import('./commands.ts'),
      this.name === 'torque'
        ? import('../torque/dialect.ts').then(({ torqueDialect }) => torqueDialect)
        : import('../openpbs/dialect.ts').then(({ openpbsDialect }) => openpbsDialect),
    ]);
    return new PbsCommands(dialect, this.qsub, this.#env);
  }
}
