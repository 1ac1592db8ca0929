import { parseNodes } from '../../pbs/index.ts';
import { type Allocation, isArray, type Job, resourceOf } from './job.ts';
import { allocate, occupiedBy, type VirtualNode } from './nodes.ts';

export interface Start {
  readonly job: Job;
  readonly allocation: readonly Allocation[];
}

/**
 * Which queued jobs start now. First in, first out and strictly so: a job that does not fit holds back those behind it.
 * Elements beyond their array's slot limit hold back nobody.
 * @param jobs in the order of submission
 * @param nodes those that may be used
 * @param isStopped jobs of such a queue neither start nor hold back others
 */
export function schedule(
  jobs: readonly Job[],
  nodes: readonly VirtualNode[],
  isStopped: (queue: string) => boolean = () => false,
): Start[] {
  const running = jobs.filter(({ state }) => state === 'R');
  const held = running.flatMap(({ allocation }) => allocation ?? []);
  const runningElements = new Map<number, number>();
  const count = (job: Job): void => {
    // The array itself counts as running too, once one of its elements has run.
    if (typeof job.element !== 'number') return;
    runningElements.set(job.sequence, (runningElements.get(job.sequence) ?? 0) + 1);
  };
  running.forEach(count);
  const limits = new Map(jobs.filter(isArray).map((job) => [job.sequence, job.slotLimit ?? Number.POSITIVE_INFINITY]));
  const starts: Start[] = [];
  for (const job of jobs) {
    if (job.state !== 'Q' || isArray(job) || isStopped(job.submission.queue)) continue;
    if (typeof job.element === 'number' && (runningElements.get(job.sequence) ?? 0) >= (limits.get(job.sequence) ?? 0))
      continue;
    const allocation = allocate(parseNodes(resourceOf(job, 'nodes') ?? '1'), nodes, occupiedBy(held));
    if (allocation === undefined) break;
    held.push(...allocation);
    count(job);
    starts.push({ job, allocation });
  }
  return starts;
}
