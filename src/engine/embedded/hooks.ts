import type { Env } from '../../base/index.ts';
import type { HookCall } from '../engine.ts';
import { ATTEMPT } from '../pbs/allocation.ts';
import { torqueHookCall } from '../torque/hooks.ts';
import { HOSTS } from './environment.ts';

/**
 * As in Torque, and in its environment which run of the job it is, on which of the nodes that are this machine. Pure.
 * @throws VtorqueError `E_HOOK_CALL`
 */
export function embeddedHookCall(hook: string, argv: readonly string[], env: Env, host: string): HookCall | undefined {
  const nodes = env[HOSTS]?.split(' ').filter((name) => name !== '');
  const call = torqueHookCall(hook, argv, {}, nodes?.[Number(env.PBS_NODENUM ?? 0)] || host);
  if (call === undefined) return undefined;
  return { ...call, cluster: env.VTORQUE_LOCAL ?? '', attempt: env[ATTEMPT] || undefined, nodes };
}
