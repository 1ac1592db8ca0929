import { parseMem } from '../../pbs/index.ts';
import { isArray, type Job, type JobState, resourceOf } from './job.ts';
import type { QueueView } from './protocol.ts';
import type { Queue } from './settings.ts';

/** How many jobs a queue has in each state, and what its running ones have. Elements of arrays count, arrays do not. */
export function queueViews(queues: readonly Queue[], jobs: readonly Job[]): QueueView[] {
  const single = jobs.filter((job) => !isArray(job));
  return queues.map((queue) => {
    const own = single.filter(({ submission }) => submission.queue === queue.name);
    const counts: Record<JobState, number> = { Q: 0, H: 0, R: 0, C: 0 };
    for (const { state } of own) counts[state]++;
    const running = own.filter(({ state }) => state === 'R');
    const sum = (amount: (job: Job) => number): number => running.reduce((total, job) => total + amount(job), 0);
    return {
      ...queue,
      counts,
      nodesInUse: sum((job) => Number(resourceOf(job, 'nodect') ?? 1)),
      memoryInUse: sum((job) => parseMem(resourceOf(job, 'mem') ?? '0')),
    };
  });
}
