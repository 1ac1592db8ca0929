import type { Env } from '../base/index.ts';
import type { EngineName, HookCall } from './engine.ts';

/**
 * What a hook of a batch system was called for; undefined for one that has nothing to do.
 * @param hook as the batch system calls it: `prologue.parallel`, `execjob_begin`
 * @param argv what it was called with, without the program's name
 * @param host name of this machine, which is the node's where the batch system does not say it
 * @throws VtorqueError `E_HOOK_CALL` for words that the batch system does not use
 */
export async function readHookCall(
  engine: EngineName,
  hook: string,
  argv: readonly string[],
  env: Env,
  host: string,
): Promise<HookCall | undefined> {
  switch (engine) {
    case 'torque':
      return (await import('./torque/hooks.ts')).torqueHookCall(hook, argv, env, host);
    case 'embedded':
      return (await import('./embedded/hooks.ts')).embeddedHookCall(hook, argv, env, host);
    case 'openpbs':
      return (await import('./openpbs/hooks.ts')).openpbsHookCall(hook, argv, host);
    case 'slurm':
      return (await import('./slurm/hooks.ts')).slurmHookCall(hook, env, host);
  }
}

/**
 * All nodes of the job that a hook was called for. Where the batch system does not tell the hook, it is asked: the mother superior's node has
 * the job's node file, other nodes of Torque ask the server, which not all of them may.
 * @param env of the hook, with the commands of the batch system on its PATH
 * @returns undefined when they cannot be known here
 */
export async function nodesOfHook(
  engine: EngineName,
  call: HookCall,
  env: Env,
): Promise<readonly string[] | undefined> {
  if (call.nodes !== undefined || engine !== 'torque') return call.nodes;
  return (await import('./torque/hook-nodes.ts')).torqueHookNodes(call, env);
}
