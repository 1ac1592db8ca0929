import { closeSync, constants, openSync } from 'node:fs';
import { type Argv, type Started, start } from '../../process/index.ts';
import type { TaskReply } from './protocol.ts';

/** One task of a job beside its script: which slot of the job it stands for. */
export interface Task {
  readonly host: string;
  readonly hostIndex: number;
  readonly slotIndex: number;
}

/** One for each slot of the job, in the order of the node file. */
export function tasksOf(hosts: TaskReply['hosts']): Task[] {
  const tasks: Task[] = [];
  for (const [hostIndex, { host, slots }] of hosts.entries()) {
    for (let i = 0; i < slots; i++) tasks.push({ host, hostIndex, slotIndex: tasks.length });
  }
  return tasks;
}

/** Known only on the job's first host, as in Torque. */
const OF_FIRST_HOST = ['PBS_NODEFILE', 'PBS_GPUFILE', 'PBS_MICFILE'];

/**
 * Start a program as a task of a job: in a session of its own, with the job's environment and not the script's.
 * @param job as the daemon has answered
 * @param number of the task in the job; the script is 1
 * @param further variables on top of the job's
 */
export function spawnTask(
  job: TaskReply,
  task: Task,
  number: number,
  argv: Argv,
  further: Readonly<Record<string, string>> = {},
): Started {
  const env = Object.fromEntries([
    ...job.env.filter(([name]) => task.hostIndex === 0 || !OF_FIRST_HOST.includes(name)),
    ...Object.entries(further),
    ['PBS_NODENUM', String(task.hostIndex)],
    ['PBS_VNODENUM', String(task.slotIndex)],
    ['PBS_TASKNUM', String(number)],
  ]);
  const append = constants.O_WRONLY | constants.O_APPEND;
  const out = openSync(job.out, append);
  try {
    const err = openSync(job.err, append);
    try {
      return start(argv, { tie: 'free', env, cwd: job.cwd, stdio: ['ignore', out, err], apart: true });
    } finally {
      closeSync(err);
    }
  } finally {
    closeSync(out);
  }
}
