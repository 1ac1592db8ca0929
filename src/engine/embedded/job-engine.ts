import { type Env, messageOf, VtorqueError } from '../../base/index.ts';
import type { Started } from '../../process/index.ts';
import type { JobEngine } from '../engine.ts';
import { nodeTasks, type TaskProcess } from '../node-tasks.ts';
import { ATTEMPT, readPbsAllocation } from '../pbs/allocation.ts';
import { HANDED_ON, handOn } from '../pbs/handed-on.ts';
import { request } from './client.ts';
import type { TaskReply } from './protocol.ts';
import { spawnTask, type Task, tasksOf } from './task.ts';

/** As far as anybody knows a job has a script and no further task yet; the numbers need only differ from the script's. */
const FIRST_TASK = 2;

/** The embedded batch system for the processes of its jobs. All its nodes are this machine, so tasks are started right here. */
export function embeddedJobEngine(env: Env): JobEngine {
  return {
    name: 'embedded',
    allocation: () => readPbsAllocation('embedded', env, () => env[ATTEMPT] || '1'),
    async startOnNodes(allocation, nodes, argv) {
      const job = await request<TaskReply>(env, { op: 'task', id: allocation.jobId }).catch((error: unknown) => {
        throw cannotStart(messageOf(error), error);
      });
      const tasks = tasksOf(job.hosts);
      const chosen = nodes.map(({ name }) => {
        const task = tasks.find(({ host }) => host === name);
        if (task === undefined) throw cannotStart(`node "${name}" is not in the job`);
        return task;
      });
      const further = { [HANDED_ON]: handOn(allocation) };
      const processes: TaskProcess[] = [];
      try {
        for (const [index, task] of chosen.entries()) {
          processes.push(asTaskProcess(task, spawnTask(job, task, FIRST_TASK + index, argv, further)));
        }
      } catch (error) {
        await nodeTasks(processes)[Symbol.asyncDispose]();
        throw cannotStart(messageOf(error), error);
      }
      return nodeTasks(processes);
    },
  };
}

function asTaskProcess({ host }: Task, child: Started): TaskProcess {
  const ended = child.ended.then(({ code, signal }) => {
    if (code === 0) return undefined;
    return signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`;
  }, messageOf);
  return { node: host, ended, signal: child.signal };
}

function cannotStart(why: string, cause?: unknown): VtorqueError {
  return new VtorqueError('E_NODE_START', `Cannot start a program on the nodes of the job: ${why}`, {
    hint: 'See whether the embedded batch system still runs: vtorque local status',
    phase: 'plan',
    cause,
  });
}
