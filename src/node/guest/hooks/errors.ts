import { VtorqueError } from '../../../base/index.ts';
import type { HookName } from './orders.ts';
import { describeResult, type HookResult } from './run-hook.ts';

export interface FailedPrologue {
  readonly hook: HookName;
  readonly vm: string;
  readonly result: HookResult;
  /** What it printed last. */
  readonly lines: readonly string[];
  /** Where on the first node all of it is. */
  readonly log: string;
}

/**
 * A job whose prologue has failed. 1 says, as on the host, that the job must not run; everything else, that it may run elsewhere or
 * later.
 */
export function prologueFailed({ hook, vm, result, lines, log }: FailedPrologue): VtorqueError {
  const refused = result.kind === 'code' && result.code === 1;
  const whose = hook === 'vm_prologue' ? 'It is your own' : "It is the site's";
  const all = lines.length === 0 ? ', and it has printed nothing' : `; all that it has printed: ${log}`;
  const more = result.kind === 'not started' ? '; the guest must have the program that its first line names' : all;
  return new VtorqueError(
    refused ? 'E_PROLOGUE_REFUSED' : 'E_PROLOGUE_FAILED',
    `Cannot run the script: "${hook}" in guest "${vm}" ${describeResult(result)}`,
    { hint: `${whose}${more}`, phase: 'guest', details: lines },
  );
}

/** @param why in words */
export function unusableSiteHook(path: string, why: string): VtorqueError {
  return new VtorqueError('E_HOOK_FILE', `Cannot use the site's "${path}": ${why}`, {
    hint: 'Tell the admin: guests.hooks in the configuration names a directory of executable files that only root may write',
    phase: 'check',
  });
}
