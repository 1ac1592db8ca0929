import { readFile } from 'node:fs/promises';
import { type Env, messageOf, VtorqueError } from '../../base/index.ts';
import { parseNodeFile } from '../../pbs/index.ts';
import type { Allocation, EngineName } from '../engine.ts';
import { takeOver } from './handed-on.ts';

/** The ids of PBS have the name of their server in them. */
export const NO_CLUSTER = '';

/** Which run of the job it is, where the embedded batch system or our hook of OpenPBS says so: all else is as before after a requeue. */
export const ATTEMPT = 'VTORQUE_ATTEMPT';

/** Of the embedded batch system several may run on one machine, each in a directory of its own. */
export function clusterOf(engine: EngineName, env: Env): string {
  return (engine === 'embedded' ? env.VTORQUE_LOCAL : undefined) ?? NO_CLUSTER;
}

/**
 * What a PBS has given to the job of this process, from its environment and node file; where there is no node file, from what
 * was handed on to a task.
 * @param attemptHere what tells this run of the job from others, where the node file is
 * @throws VtorqueError `E_NOT_IN_JOB`
 */
export async function readPbsAllocation(
  engine: EngineName,
  env: Env,
  attemptHere: () => string | Promise<string>,
): Promise<Allocation> {
  const { PBS_JOBID: jobId, PBS_JOBCOOKIE: secret, PBS_NODENUM: nodeNumber } = env;
  if (!jobId || !secret || !nodeNumber || !/^\d{1,9}$/.test(nodeNumber)) {
    throw notInJob('PBS_JOBID, PBS_JOBCOOKIE or PBS_NODENUM is not set');
  }
  // First what was handed on: OpenPBS has the node file everywhere, and the attempt is only known where the job began.
  const known = takeOver(env.VTORQUE_ALLOCATION, jobId) ?? (await fromNodeFile(env.PBS_NODEFILE, attemptHere));
  const nodeIndex = Number(nodeNumber);
  if (nodeIndex >= known.nodes.length) {
    throw notInJob(`PBS_NODENUM is ${nodeIndex}, and the job has ${known.nodes.length} nodes`);
  }
  return { engine, cluster: clusterOf(engine, env), jobId, ...known, nodeIndex, secret };
}

async function fromNodeFile(
  path: string | undefined,
  attemptHere: () => string | Promise<string>,
): Promise<Pick<Allocation, 'attempt' | 'nodes'>> {
  if (!path) throw notInJob('PBS_NODEFILE is not set');
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw notInJob(`the node file cannot be read (${messageOf(error)})`);
  });
  const nodes = parseNodeFile(text).map(({ host, slots }) => ({ name: host, slots }));
  if (nodes.length === 0) throw notInJob(`the node file "${path}" names no node`);
  return { attempt: await attemptHere(), nodes };
}

function notInJob(why: string): VtorqueError {
  return new VtorqueError('E_NOT_IN_JOB', `Cannot tell what the batch system has allocated: ${why}`, {
    hint: 'This is started by a batch system; submit the job with vsub',
    phase: 'plan',
  });
}
