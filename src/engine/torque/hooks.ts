import type { HookCall } from '../engine.ts';
import { NO_CLUSTER } from '../pbs/allocation.ts';
import { hookCallError, jobIdWord, userWord } from '../pbs/hook-words.ts';

/** Torque's hooks that run as root once per node and attempt, with the number of their arguments. */
const HOOKS: Readonly<Record<string, Pick<HookCall, 'event' | 'motherSuperior'> & { readonly words: number }>> = {
  prologue: { event: 'prepare', motherSuperior: true, words: 8 },
  'prologue.parallel': { event: 'prepare', motherSuperior: false, words: 8 },
  epilogue: { event: 'release', motherSuperior: true, words: 11 },
  'epilogue.parallel': { event: 'release', motherSuperior: false, words: 11 },
};

/** Run before all nodes have joined, or as the user while the job goes on: nothing is prepared or released there. */
const NOTHING_TO_DO = new Set(['presetup_prologue', 'epilogue.precancel']);

/**
 * What a prologue or epilogue of Torque was called for. With `qsub -T NAME` it is called `prologue.NAME`. Torque does not say
 * which run of a job it is. Pure.
 * @param node this one's host name
 * @throws VtorqueError `E_HOOK_CALL`
 */
export function torqueHookCall(hook: string, argv: readonly string[], node: string): HookCall | undefined {
  if (NOTHING_TO_DO.has(hook)) return undefined;
  const known = HOOKS[hook] ?? HOOKS[hook.replace(/\.[^.]*$/, '')];
  if (known === undefined) throw hookCallError(hook, 'Torque has no such hook that runs as root');
  const { event, motherSuperior, words } = known;
  if (argv.length < words) throw hookCallError(hook, `${argv.length} arguments instead of ${words}`);
  const [id, user] = argv;
  return {
    ...{ event, cluster: NO_CLUSTER, node, motherSuperior, attempt: undefined },
    ...{ jobId: jobIdWord(hook, id), owner: userWord(hook, user) },
  };
}
