import { join } from 'node:path';
import type { Env } from '../../base/index.ts';
import type { JobEngine } from '../engine.ts';
import { ATTEMPT, readPbsAllocation } from '../pbs/allocation.ts';
import { findJobCommand } from '../pbs/find-command.ts';
import { sessionMark } from '../pbs/session-mark.ts';
import { startAll, startTaskCommand, taskWords } from '../pbs/started-task.ts';
import { pbsExec } from './places.ts';

/**
 * OpenPBS for the processes of its jobs: one pbs_tmrsh per node, which returns what the task returns. Ending it leaves the task
 * alone: that ends with the job, or when nobody talks to it any more.
 */
export function openpbsJobEngine(env: Env): JobEngine {
  return {
    name: 'openpbs',
    allocation: () => readPbsAllocation('openpbs', env, () => env[ATTEMPT] || sessionMark(env.PBS_JOBCOOKIE ?? '')),
    async startOnNodes(allocation, nodes, argv) {
      const exec = pbsExec(env);
      const tmrsh = findJobCommand('pbs_tmrsh', env, exec === undefined ? undefined : join(exec, 'bin'));
      const words = taskWords(allocation, argv);
      return startAll(nodes.map(({ name }) => startTaskCommand(name, tmrsh, [name, ...words], env, whyFailed)));
    },
  };
}

/** Its exit code is the task's; of its own failures it says why. */
export function whyFailed(code: number, said: readonly string[]): string | undefined {
  if (code === 0) return undefined;
  return said.at(-1) ?? `it ended with exit code ${code}`;
}
