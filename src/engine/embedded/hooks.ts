import type { HookCall } from '../engine.ts';
import { torqueHookCall } from '../torque/hooks.ts';
import { ATTEMPT } from './environment.ts';

/**
 * As in Torque, and in its environment which run of the job it is. Pure.
 * @throws VtorqueError `E_HOOK_CALL`
 */
export function embeddedHookCall(
  hook: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): HookCall | undefined {
  const call = torqueHookCall(hook, argv);
  return call === undefined ? undefined : { ...call, attempt: env[ATTEMPT] || undefined };
}
