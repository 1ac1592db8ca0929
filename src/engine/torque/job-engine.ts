import type { Env } from '../../base/index.ts';
import type { JobEngine } from '../engine.ts';
import { readPbsAllocation } from '../pbs/allocation.ts';
import { findJobCommand } from '../pbs/find-command.ts';
import { sessionMark } from '../pbs/session-mark.ts';
import { startAll, startTaskCommand, taskWords } from '../pbs/started-task.ts';

/** Torque for the processes of its jobs: tasks are started by pbsdsh, which ends them when it is told to end. */
export function torqueJobEngine(env: Env): JobEngine {
  return {
    name: 'torque',
    allocation: () => readPbsAllocation('torque', env, () => sessionMark(env.PBS_JOBCOOKIE ?? '')),
    async startOnNodes(allocation, nodes, argv) {
      const pbsdsh = findJobCommand('pbsdsh', env);
      const words = taskWords(allocation, argv);
      // One for each, though one could do for all: it tells of a failure when all its tasks have ended, and not of which node.
      return startAll(nodes.map(({ name }) => startTaskCommand(name, pbsdsh, ['-h', name, ...words], env, whyFailed)));
    },
  };
}

/** pbsdsh returns 0 whatever its tasks do, and says `pbsdsh(): task 0 exit status 5` of those that failed. */
export function whyFailed(code: number, said: readonly string[]): string | undefined {
  const [line] = said.filter((each) => !/: killing task|exit status 0$/.test(each));
  if (line !== undefined) return line;
  return code === 0 ? undefined : `pbsdsh ended with exit code ${code}`;
}
