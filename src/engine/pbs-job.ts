import { readFile } from 'node:fs/promises';
import { VtorqueError } from '../base/index.ts';
import { type HostSlots, parseNodeFile } from '../pbs/index.ts';
import type { EngineName } from './engine.ts';
import { jobEngineName } from './find-job.ts';
import { ATTEMPT, clusterOf } from './pbs/allocation.ts';

type Env = Readonly<Record<string, string>>;

/** A batch job in the terms of PBS, whatever batch system it runs in. */
export interface PbsJob {
  readonly engine: EngineName;
  /** As `Allocation.cluster`. */
  readonly cluster: string;
  /** As `HookCall.attempt`: undefined where hooks do not know it either. */
  readonly attempt: string | undefined;
  /** What the batch system's hooks call it; that of an element of an array in Slurm is another number than `id`. */
  readonly hookId: string;
  readonly id: string;
  /** With the variables that PBS would have set. */
  readonly env: Env;
  /** All nodes, the first one first. */
  readonly hosts: readonly HostSlots[];
  /** Path of the node file, as the script is to find it. */
  readonly nodeFile: string;
}

/** Where batch systems that have none get their node file, in the guest. */
const USUAL_NODE_FILE = '/run/vtorque/nodefile';

/**
 * The job that this process is the first one of.
 * @throws VtorqueError `E_NOT_IN_JOB` outside a batch job
 */
export async function readPbsJob(env: Env): Promise<PbsJob> {
  const engine = jobEngineName(env);
  if (engine === 'slurm') return slurmJob(env);
  const { PBS_JOBID: id, PBS_NODEFILE: nodeFile } = env;
  if (engine === undefined || !id || !nodeFile) {
    throw new VtorqueError('E_NOT_IN_JOB', 'Cannot launch: PBS_JOBID or PBS_NODEFILE is not set', {
      hint: 'The launcher is started by a batch system; submit the job with vsub',
      phase: 'plan',
    });
  }
  return {
    ...{ engine, cluster: clusterOf(engine, env), attempt: hookedAttempt(engine, env) },
    ...{ hookId: id, id, env, nodeFile, hosts: parseNodeFile(await readFile(nodeFile, 'utf8')) },
  };
}

/**
 * Which run of its job a process is part of, by the name that hooks have for it: the embedded batch system and the hook of OpenPBS
 * say so. Undefined where nobody has, and for Slurm, whose `Allocation.attempt` it is. Pure.
 */
export function hookedAttempt(engine: EngineName, env: Env): string | undefined {
  return engine === 'embedded' || engine === 'openpbs' ? env[ATTEMPT] || undefined : undefined;
}

async function slurmJob(env: Env): Promise<PbsJob> {
  const [{ SlurmJobEngine }, { pbsVariables }] = await Promise.all([
    import('./slurm/job-engine.ts'),
    import('./slurm/pbs-variables.ts'),
  ]);
  const allocation = await new SlurmJobEngine(env).allocation();
  const variables = pbsVariables(env, allocation);
  return {
    ...{ engine: 'slurm', cluster: allocation.cluster, attempt: allocation.attempt, hookId: allocation.jobId },
    id: variables.PBS_JOBID,
    env: { ...env, ...variables },
    hosts: allocation.nodes.map(({ name, slots }) => ({ host: name, slots })),
    nodeFile: USUAL_NODE_FILE,
  };
}
