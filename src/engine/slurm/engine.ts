import { homedir, hostname } from 'node:os';
import { type Env, MiB, messageOf } from '../../base/index.ts';
import { type EffectiveOptions, effectiveOptions, walkQsubArgs } from '../../pbs/index.ts';
import { isDirectory, namedDirectory } from '../directories.ts';
import type {
  BatchNode,
  Engine,
  InteractiveCommand,
  JobDescription,
  JobStatus,
  LiveJobs,
  Submitted,
} from '../engine.ts';
import { submitByQsub } from '../pbs/submit.ts';
import { askSlurm, refused, runSlurm } from './command.ts';
import { type QsubJob, sbatchCall } from './sbatch.ts';
import { scriptArguments, withShebang } from './script.ts';
import { type KnownJob, readExitStatus, readStatusLine, statusFormat, statusOf } from './status.ts';

/** Slurm, through its commands on PATH. */
export class SlurmEngine implements Engine {
  readonly name = 'slurm';
  readonly #env: Env;
  readonly #sbatch: string;

  constructor(env: Env, sbatch = 'sbatch') {
    this.#env = env;
    this.#sbatch = sbatch;
  }

  async interactiveCommand(words: readonly string[], program: readonly string[]): Promise<InteractiveCommand> {
    const { interactiveCommand } = await import('./interactive.ts');
    return interactiveCommand(this.#job(effectiveOptions(walkQsubArgs(words).options, []), 'STDIN'), program);
  }

  async submit({ script, options, keepErrors }: JobDescription): Promise<Submitted> {
    const call = sbatchCall(this.#job(options, script.name));
    const file = { name: script.name, bytes: withShebang(script.bytes, options, this.#env), at: call.args.length };
    const argv = [...call.args, script.name, ...scriptArguments(options)];
    // Its environment is that of the job, which may have another PATH.
    const answer = await submitByQsub(this.#sbatch, { argv, script: file, keepErrors }, call.env);
    if (!('id' in answer)) return answer;
    // Of a federation the name of the cluster follows.
    return { ...answer, id: options.has('z') ? '' : (answer.id.split(';')[0] ?? '') };
  }

  async status(ids: readonly string[]): Promise<ReadonlyMap<string, JobStatus>> {
    const known = ids.filter(isJobId);
    if (known.length === 0) return new Map();
    const lines = (await this.#queue(['-j', known.join(',')])).flatMap((line) => readStatusLine(line) ?? []);
    const found = await Promise.all(
      lines.map(async (job): Promise<KnownJob> => {
        if (job.status.state !== 'complete') return job;
        const exitStatus = readExitStatus(await this.#show(job.status.id));
        return exitStatus === undefined ? job : { ...job, status: { ...job.status, exitStatus } };
      }),
    );
    return new Map(
      known.flatMap((id): [string, JobStatus][] => {
        const status = statusOf(id, found);
        return status === undefined ? [] : [[id, status]];
      }),
    );
  }

  /** scancel says what is wrong only when it is to say everything, and ends with 0 in any case. */
  async cancel(ids: readonly string[]): Promise<void> {
    const { stderr } = await runSlurm({ program: 'scancel', args: ['--verbose', ...ids], env: this.#env });
    const errors = stderr.split('\n').filter((line) => line.startsWith('scancel: error: '));
    if (errors.length > 0) throw refused('scancel', errors.join('\n'));
  }

  /** As the user's own hold, whoever asks: he can end it himself. */
  async hold(ids: readonly string[]): Promise<void> {
    await this.#ask('scontrol', ['uhold', ids.join(',')]);
  }

  async release(ids: readonly string[]): Promise<void> {
    await this.#ask('scontrol', ['release', ids.join(',')]);
  }

  /** To the script and all that it has started, as PBS does. */
  async signal(ids: readonly string[], signal: NodeJS.Signals): Promise<void> {
    await this.#ask('scancel', ['--full', `--signal=${signal.replace(/^SIG/, '')}`, ...ids]);
  }

  async nodes(): Promise<readonly BatchNode[]> {
    const lines = await this.#ask('sinfo', ['-h', '-N', '-o', '%N|%c|%m|%T']);
    // A node that is in several partitions is told several times.
    const nodes = lines.split('\n').flatMap((line): [string, BatchNode][] => {
      const [name = '', cpus = '', megabytes = '', state = ''] = line.split('|');
      return name === '' ? [] : [[name, { name, np: Number(cpus), memory: Number(megabytes) * MiB, state }]];
    });
    return [...new Map(nodes).values()];
  }

  async queues(): Promise<readonly string[]> {
    const lines = await this.#ask('sinfo', ['-h', '-o', '%R']);
    return [...new Set(lines.split('\n').filter((name) => name !== ''))];
  }

  async liveJobs(): Promise<LiveJobs> {
    try {
      // Elements of arrays by their own numbers, too, as hooks and jobs know them.
      const ids = (await this.#ask('squeue', ['-h', '-r', '-o', '%A %i'])).split(/\s+/);
      return { known: true, cluster: await this.#cluster(), ids: new Set(ids.filter((id) => id !== '')) };
    } catch (error) {
      return { known: false, why: messageOf(error) };
    }
  }

  #job(options: EffectiveOptions, scriptName: string): QsubJob {
    return {
      ...{ options, scriptName, env: this.#env },
      directory: namedDirectory(this.#env),
      home: this.#env.HOME || homedir(),
      host: hostname(),
      isDirectory,
    };
  }

  /** Lines of squeue. That asks for jobs which Slurm does not know any more is no error: they are not in the answer. */
  async #queue(which: readonly string[]): Promise<string[]> {
    const args = ['-h', '-t', 'all', '-r', '-o', statusFormat, ...which];
    const { code, stdout, stderr } = await runSlurm({ program: 'squeue', args, env: this.#env });
    if (code !== 0 && !/Invalid job id specified/.test(stderr)) throw refused('squeue', stderr);
    return stdout.split('\n').filter((line) => line !== '');
  }

  async #cluster(): Promise<string> {
    const config = await this.#ask('scontrol', ['show', 'config']);
    return /^ClusterName\s*=\s*(\S+)/m.exec(config)?.[1] ?? '';
  }

  async #show(id: string): Promise<string> {
    const { stdout } = await runSlurm({ program: 'scontrol', args: ['show', 'job', '-o', id], env: this.#env });
    return stdout;
  }

  #ask(program: string, args: readonly string[]): Promise<string> {
    return askSlurm({ program, args, env: this.#env });
  }
}

function isJobId(id: string): boolean {
  return /^\d+(_\d+|_\[[\d,%-]+\])?$/.test(id);
}
