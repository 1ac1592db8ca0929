import { readFile } from 'node:fs/promises';
import type { Env } from '../../base/index.ts';
import type { HookCall } from '../engine.ts';
import { findEngine } from '../find.ts';
import { runCommand } from '../run-command.ts';
import { torqueDialect } from './dialect.ts';

/** A pbs_mom does nothing else while it waits for a hook of a sister. */
const ANSWER_MS = 5000;

/** @returns undefined when neither this node nor the server tells */
export async function torqueHookNodes(
  { jobId, motherSuperior }: HookCall,
  env: Env,
): Promise<readonly string[] | undefined> {
  const file = env.PBS_NODEFILE;
  if (motherSuperior && file?.startsWith('/')) {
    const names = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    if (names.length > 0) return [...new Set(names)];
  }
  try {
    const { qsub = '' } = await findEngine(env, 'torque');
    const qstat = qsub.replace(/[^/]*$/, 'qstat');
    const action = 'ask for the nodes of a job';
    const answer = await runCommand(qstat, torqueDialect.statusArgs([jobId]), env, action, ANSWER_MS);
    const job = torqueDialect.readStatus(answer.stdout).find(({ id }) => id === jobId);
    return job === undefined || job.nodes.length === 0 ? undefined : job.nodes;
  } catch {
    // Nodes need not run trqauthd, without which no command may ask the server.
    return undefined;
  }
}
