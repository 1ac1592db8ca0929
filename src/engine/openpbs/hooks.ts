import type { HookCall } from '../engine.ts';
import { NO_CLUSTER } from '../pbs/allocation.ts';
import { hookCallError, jobIdWord, userWord } from '../pbs/hook-words.ts';

/** Only `execjob_begin` has ended on all nodes before the script starts; only these two come after everything else. */
const EVENTS: Readonly<Record<string, HookCall['event']>> = {
  execjob_begin: 'prepare',
  execjob_end: 'release',
  execjob_abort: 'release',
};

/**
 * What a hook of OpenPBS was called for. Its hooks are Python inside the batch system; the one that is ours hands on
 * `JOBID USER RUN_COUNT mother|sister NODE+NODE`, the last one since nodes matter there. Pure.
 * @throws VtorqueError `E_HOOK_CALL`
 */
export function openpbsHookCall(hook: string, argv: readonly string[], node: string): HookCall {
  const event = EVENTS[hook];
  if (event === undefined) throw hookCallError(hook, 'nothing is prepared or released there');
  const [id, user, runCount = '', place = '', nodes = ''] = argv;
  if (!/^\d{1,9}$/.test(runCount)) throw hookCallError(hook, `"${runCount}" is no number of a run`);
  if (place !== 'mother' && place !== 'sister') throw hookCallError(hook, `"${place}" is neither mother nor sister`);
  return {
    ...{ event, cluster: NO_CLUSTER, node },
    jobId: jobIdWord(hook, id),
    attempt: runCount,
    owner: userWord(hook, user),
    motherSuperior: place === 'mother',
    nodes: execHosts(nodes),
  };
}

/** Of what OpenPBS calls exec_host2: `n1:15002/0*2+n2:15002/0`. */
function execHosts(text: string): readonly string[] | undefined {
  const names = text.split('+').map((place) => place.split(/[:/]/)[0] ?? '');
  return names.every((name) => name !== '') ? [...new Set(names)] : undefined;
}
