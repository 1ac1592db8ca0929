import type { Env } from '../../base/index.ts';
import type { HookCall } from '../engine.ts';
import { hookCallError, userWord } from '../pbs/hook-words.ts';
import { expandHostList } from './host-list.ts';

const EVENTS: Readonly<Record<string, HookCall['event']>> = { prolog: 'prepare', epilog: 'release' };

/**
 * What slurmd's Prolog or Epilog was called for. Slurm gives them no words, and in the environment nothing that a user could have
 * set but the name of his job. An element of an array has a number of its own there. Pure.
 * @throws VtorqueError `E_HOOK_CALL`
 */
export function slurmHookCall(hook: string, env: Env, host: string): HookCall {
  const event = EVENTS[hook];
  if (event === undefined) throw hookCallError(hook, 'nothing is prepared or released there');
  const { SLURM_JOB_ID: jobId = '', SLURM_JOB_USER: user, SLURM_NODELIST: list = '' } = env;
  if (!/^\d+$/.test(jobId)) throw hookCallError(hook, `"${jobId}" is no job id`);
  const node = env.SLURMD_NODENAME || host;
  const nodes = expandHostList(list);
  return {
    ...{ event, cluster: env.SLURM_CLUSTER_NAME ?? '', jobId, node },
    // The Epilog of a run that goes back into the queue is told the number of the next one (Slurm 22.05, observed).
    attempt: undefined,
    owner: userWord(hook, user),
    motherSuperior: nodes[0] === node,
    nodes: nodes.length > 0 ? nodes : undefined,
  };
}
