import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, VtorqueError } from '../../base/index.ts';
import { findEngine } from '../../engine/index.ts';
import { loadConfig } from '../../site/config/load.ts';
import { type Check, type DoctorDeps, error, fine, warning } from './finding.ts';

/** The batch system, and what the site says. */
export const batchChecks: readonly Check[] = [
  { name: 'configuration', roles: ['head', 'node'], run: configuration },
  { name: 'batch system', roles: ['head', 'node'], run: batchSystem },
  { name: 'jobs of others', roles: ['node'], run: jobsOfOthers },
];

async function configuration({ env, uid }: DoctorDeps): ReturnType<Check['run']> {
  try {
    const config = await loadConfig(env, uid);
    return [fine(config.file ?? 'none: all is as built in')];
  } catch (cause) {
    return [error(messageOf(cause), hintOf(cause, 'vtorque config check'))];
  }
}

async function batchSystem(deps: DoctorDeps): ReturnType<Check['run']> {
  try {
    const engine = await findEngine(deps.env);
    const nodes = await engine.nodes().catch(async (cause: unknown) => {
      // A node of Torque need not be one from which its server can be asked.
      if ((await engine.liveJobs()).known) return `the node runs jobs; ${messageOf(cause)}`;
      if (engine.name === 'torque' && (await hadPbsMom(deps))) return `this is a node; ${messageOf(cause)}`;
      throw cause;
    });
    if (typeof nodes === 'string')
      return [
        warning(
          `${engine.name}: ${nodes}`,
          'That is enough for a node that only runs jobs; to submit from this machine, let it ask the server',
        ),
      ];
    if (nodes === undefined)
      return [warning(`${engine.name}: it does not tell its nodes`, 'Sizes are not checked at submit')];
    const down = nodes.filter(({ state }) => /down|offline|drain/.test(state));
    if (nodes.length === down.length) return [error(`${engine.name}: no node is up`, 'See the state of its nodes')];
    return [fine(`${engine.name}: ${nodes.length - down.length} of ${nodes.length} nodes are up`)];
  } catch (cause) {
    const asked = cause instanceof VtorqueError && cause.code === 'E_ENGINE';
    const remedy = asked
      ? 'See whether its server runs, and lets this machine ask it'
      : 'Put the commands of your batch system on PATH';
    return [error(messageOf(cause), hintOf(cause, remedy))];
  }
}

/** What an ordinary user, whom no `pbs_mom` answers, can know of a node. Root asks it. */
async function hadPbsMom({ torqueHome, uid }: DoctorDeps): Promise<boolean> {
  if (uid === 0) return false;
  return stat(join(torqueHome, 'mom_priv/mom.lock')).then(
    () => true,
    () => false,
  );
}

const hidden = 'the server tells root of this node of no jobs but his own (query_other_jobs is not set)';

async function jobsOfOthers({ env, uid }: DoctorDeps): ReturnType<Check['run']> {
  try {
    const engine = await findEngine(env, (await loadConfig(env, uid)).value('engine.name'));
    const sees = await engine.rootSeesAllJobs?.();
    if (sees === undefined) return [];
    if (sees) return [fine('the server tells root of this node of all jobs')];
    // pbs_mom of Torque tells which jobs it has; that of OpenPBS does not.
    const means =
      engine.name === 'torque'
        ? 'vtorque reap has to ask pbs_mom, and hooks do not learn which other nodes a job has'
        : 'vtorque reap cannot know which jobs are over, and removes nothing';
    return [warning(`${hidden}: ${means}`, "As a manager: qmgr -c 'set server query_other_jobs = True'")];
  } catch {
    // That there is no batch system here, or no answer, another check says.
    return [];
  }
}

function hintOf(cause: unknown, otherwise: string): string {
  return cause instanceof VtorqueError && cause.hint !== undefined ? cause.hint : otherwise;
}
