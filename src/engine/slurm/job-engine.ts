import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { VtorqueError } from '../../base/index.ts';
import type { AllocatedNode, Allocation, JobEngine, NodeTasks } from '../engine.ts';
import { expandCounts, expandHostList } from './host-list.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Slurm gives a job nothing that only its processes know, so the launcher draws it and srun hands it on. */
const SECRET = 'VTORQUE_JOB_SECRET';
const END_MS = 5_000;

/** Slurm as a process of one of its jobs sees it. */
export class SlurmJobEngine implements JobEngine {
  readonly name = 'slurm';
  readonly #env: Env;
  readonly #secret: string;

  constructor(env: Env) {
    this.#env = env;
    this.#secret = env[SECRET] ?? randomBytes(32).toString('hex');
  }

  async allocation(): Promise<Allocation> {
    const env = this.#env;
    const { SLURM_JOB_ID: id, SLURM_JOB_NODELIST: list, SLURMD_NODENAME: here = '' } = env;
    if (!id || !list) {
      throw new VtorqueError('E_NOT_IN_JOB', 'Cannot launch: SLURM_JOB_ID or SLURM_JOB_NODELIST is not set', {
        hint: 'The launcher is started by Slurm; submit the job with vsub',
        phase: 'plan',
      });
    }
    const names = expandHostList(list);
    const slots = expandCounts(env.SLURM_TASKS_PER_NODE ?? env.SLURM_JOB_CPUS_PER_NODE ?? `1(x${names.length})`);
    return {
      engine: 'slurm',
      cluster: env.SLURM_CLUSTER_NAME ?? '',
      // An element of an array, too, has a number of its own, and by that hooks are told of it.
      jobId: id,
      attempt: env.SLURM_RESTART_COUNT ?? '0',
      nodes: names.map((name, i) => ({ name, slots: slots[i] ?? 1 })),
      nodeIndex: Math.max(0, names.indexOf(here)),
      secret: this.#secret,
    };
  }

  async startOnNodes(
    _allocation: Allocation,
    nodes: readonly AllocatedNode[],
    argv: readonly [string, ...string[]],
  ): Promise<NodeTasks> {
    const count = String(nodes.length);
    const args = [
      ...['--nodes', count, '--ntasks', count, '--ntasks-per-node', '1'],
      ...['--nodelist', nodes.map(({ name }) => name).join(',')],
      // Beside the batch step, with all that the job has on each node.
      ...['--overlap', '--mem', '0', '--cpu-bind', 'none', '--input', 'none', '--export', 'ALL'],
      // One that ends tells the launcher itself.
      ...['--kill-on-bad-exit=0', '--wait', '0', '--', ...argv],
    ];
    const child = spawn('srun', args, {
      env: { ...this.#inherited(), [SECRET]: this.#secret },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    try {
      await once(child, 'spawn');
    } catch (cause) {
      throw new VtorqueError('E_NODE_START', 'Cannot start the VMs of the other nodes: srun is not there', {
        hint: "Slurm's commands must be on PATH on the nodes, too",
        phase: 'vm-start',
        cause,
      });
    }
    return tasksOf(child);
  }

  /** Without what sbatch was told of the shape of tasks, which srun would read as options. */
  #inherited(): Record<string, string> {
    const shape = /^SLURM_(NTASKS.*|NPROCS|TASKS_PER_NODE|CPUS_PER_TASK|MEM_PER_.*|CPU_BIND.*|DISTRIBUTION)$/;
    return Object.fromEntries(
      Object.entries(this.#env).filter(
        (entry): entry is [string, string] => entry[1] !== undefined && !shape.test(entry[0]),
      ),
    );
  }
}

function tasksOf(child: ChildProcess): NodeTasks {
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => ({
    node: undefined,
    why: `srun ended ${signal === null ? `with exit code ${code}` : `by ${signal}`}`,
  }));
  return {
    failed: ended,
    async [Symbol.asyncDispose]() {
      // The first asks srun to end its tasks, the second does not wait for them.
      child.kill('SIGTERM');
      const over = await Promise.race([ended.then(() => true), delay(END_MS, false, { ref: false })]);
      if (!over) child.kill('SIGKILL');
      await ended;
    },
  };
}
