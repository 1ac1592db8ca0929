import { onNode, orAborted } from '../base/index.ts';
import { type JobContext, type NodeGuest, startNodeGuest, tearDown } from '../node/guest/index.ts';
import type { Places } from '../site/index.ts';
import type { Submission } from './submission.ts';
import type { TimelineEntry } from './timeline.ts';

/** The guest in which the job's script runs. Disposing of it ends all VMs of the job at once. */
export interface JobGuest extends NodeGuest {
  /** End all VMs of the job so that everything that was written in them is there. */
  tearDown(): Promise<void>;
}

export interface JobGuestOptions {
  readonly context: JobContext;
  readonly places: readonly Places[];
  readonly submission: Submission;
  /** Path of the submitted script on the host. */
  readonly scriptPath: string;
  readonly record: (event: TimelineEntry['event'], value?: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Start the VMs of a job, one on each of its nodes: this node's as a child of this process, others by an agent there. All
 * are ready when it returns; nothing is left of any when it throws.
 * @throws VtorqueError of the phase that failed first, or the signal's reason
 */
export async function startJobGuest(options: JobGuestOptions): Promise<JobGuest> {
  const { context, places, submission, scriptPath, record, signal } = options;
  const { request, script } = submission;
  const own = { context, places, request, script, scriptPath, record };
  if (context.hosts.length === 1) {
    const guest = await startNodeGuest({ ...own, signal });
    return { ...guest, tearDown: () => tearDown(guest) };
  }
  // What a job of one node does not need, it does not load.
  const { othersOfJob } = await import('./nodes/index.ts');
  await using cleanup = new AsyncDisposableStack();
  const { others, hosts } = await othersOfJob(options);
  cleanup.use(others);
  const here = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw onNode(error, context.node);
    });
  const either = AbortSignal.any([signal, others.failed]);
  const guest = cleanup.use(await here(startNodeGuest({ ...own, context: { ...context, hosts }, signal: either })));
  await others.ready(signal);
  const started = cleanup.move();
  return {
    ...guest,
    watch: (phase, work) => orAborted(here(guest.watch(phase, work)), others.failed),
    tearDown: async () => {
      // Each to its end: what fails on one node is no reason to lose what was written on another.
      const ends = await Promise.allSettled([here(tearDown(guest)), others.end()]);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
