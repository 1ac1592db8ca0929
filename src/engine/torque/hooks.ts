import type { Env } from '../../base/index.ts';
import type { HookCall } from '../engine.ts';
import { NO_CLUSTER } from '../pbs/allocation.ts';
import { hookCallError, jobIdWord, userWord } from '../pbs/hook-words.ts';

/** Torque's hooks that run once per node and attempt, with the number of their arguments; all but the last one as root. */
const HOOKS: Readonly<Record<string, Pick<HookCall, 'event' | 'motherSuperior'> & { readonly words: number }>> = {
  prologue: { event: 'prepare', motherSuperior: true, words: 8 },
  'prologue.parallel': { event: 'prepare', motherSuperior: false, words: 8 },
  epilogue: { event: 'release', motherSuperior: true, words: 11 },
  'epilogue.parallel': { event: 'release', motherSuperior: false, words: 11 },
  // As the owner, before qdel or a passed limit ends the job, which waits for it.
  'epilogue.precancel': { event: 'cancel', motherSuperior: true, words: 2 },
};

/** Run before all nodes have joined: nothing is prepared or released there. */
const NOTHING_TO_DO = new Set(['presetup_prologue']);

/**
 * What a prologue or epilogue of Torque was called for. With `qsub -T NAME` it is called `prologue.NAME`. Torque does not say
 * which run of a job it is. Pure.
 * @param node this one's host name
 * @throws VtorqueError `E_HOOK_CALL`
 */
export function torqueHookCall(hook: string, argv: readonly string[], env: Env, node: string): HookCall | undefined {
  if (NOTHING_TO_DO.has(hook)) return undefined;
  const known = HOOKS[hook] ?? HOOKS[hook.replace(/\.[^.]*$/, '')];
  if (known === undefined) throw hookCallError(hook, 'Torque has no such hook that runs as root');
  const { event, motherSuperior, words } = known;
  if (argv.length < words) throw hookCallError(hook, `${argv.length} arguments instead of ${words}`);
  const [id, user] = argv;
  return {
    ...{ event, cluster: NO_CLUSTER, node, motherSuperior, attempt: undefined },
    ...{ jobId: jobIdWord(hook, id), owner: userWord(hook, user), nodes: nodesTold(env, node, motherSuperior) },
  };
}

/**
 * The first node has the node file. A sister knows both nodes of two, if they were asked for by their number: Torque's hooks count a node that
 * was asked for by its name as none, so that `1+n2` is one node for them, and `2+n3` two.
 */
function nodesTold(env: Env, node: string, motherSuperior: boolean): readonly string[] | undefined {
  const { PBS_NUM_NODES: count, PBS_MSHOST: first, PBS_RESOURCE_NODES: asked = '' } = env;
  if (motherSuperior || count !== '2' || !first) return undefined;
  return asked.split('+').every((part) => /^\d+([:#]|$)/.test(part)) ? [first, node] : undefined;
}
