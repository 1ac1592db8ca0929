import { randomBytes } from 'node:crypto';
import { type Env, VtorqueError } from '../../base/index.ts';
import type { AllocatedNode, Allocation, JobEngine, NodeTasks } from '../engine.ts';
import { HANDED_ON, handOn, takeOver } from '../pbs/handed-on.ts';
import { expandCounts, expandHostList } from './host-list.ts';
import { slotsOfJob } from './slots.ts';
import { startStep } from './step.ts';

/** Slurm gives a job nothing that only its processes know, so the launcher draws it and srun hands it on. */
const SECRET = 'VTORQUE_JOB_SECRET';

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
    // Of a task Slurm tells the slots of the step alone.
    const handedOn = takeOver(env[HANDED_ON], id);
    const slots = expandCounts(
      slotsOfJob(env) ?? env.SLURM_TASKS_PER_NODE ?? env.SLURM_JOB_CPUS_PER_NODE ?? `1(x${names.length})`,
    );
    return {
      engine: 'slurm',
      cluster: env.SLURM_CLUSTER_NAME ?? '',
      // An element of an array, too, has a number of its own, and by that hooks are told of it.
      jobId: id,
      attempt: env.SLURM_RESTART_COUNT ?? '0',
      nodes: handedOn?.nodes ?? names.map((name, i) => ({ name, slots: slots[i] ?? 1 })),
      nodeIndex: Math.max(0, names.indexOf(here)),
      secret: this.#secret,
    };
  }

  async startOnNodes(
    allocation: Allocation,
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
    return startStep(args, { ...this.#inherited(), [SECRET]: this.#secret, [HANDED_ON]: handOn(allocation) });
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
