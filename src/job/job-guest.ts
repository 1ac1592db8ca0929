import { onNode, orAborted } from '../base/index.ts';
import { type NetworkFacts, type NetworkPlan, routesInUse } from '../network/index.ts';
import {
  type HookOrders,
  type HookReports,
  type JobContext,
  type JobSsh,
  jobVariables,
  type NodeGuest,
  type NodeGuests,
  nodeSettings,
  planNetwork,
  startNodeGuests,
} from '../node/guest/index.ts';
import { preparedOffers } from '../node/network/prepared.ts';
import type { Places } from '../site/index.ts';
import type { Submission } from './submission.ts';
import type { TimelineEntry } from './timeline.ts';

/** The guest in which the job's script runs, the one of rank 0. Disposing of it ends all VMs of the job at once. */
export interface JobGuest extends Pick<NodeGuest, 'machine' | 'identity' | 'files'>, AsyncDisposable {
  /** All on this node, the one of rank 0 among them. */
  readonly guests: NodeGuests['guests'];
  /** Wait for work, as long as all VMs of the job live. */
  watch: NodeGuest['watch'];
  /** The job is to end by a signal: resolves when the script may get it. Nothing that fails fails the job. */
  precancel(): Promise<void>;
  /**
   * End all VMs of the job so that everything that was written in them is there.
   * @param exitCode of the script
   */
  tearDown(exitCode: number): Promise<void>;
}

export interface JobGuestOptions {
  readonly context: JobContext;
  readonly places: readonly Places[];
  readonly submission: Submission;
  /** Path of the submitted script on the host. */
  readonly scriptPath: string;
  readonly hooks: HookOrders;
  readonly reports: HookReports;
  readonly record: (event: TimelineEntry['event'], value?: string) => void;
  readonly signal: AbortSignal;
  /** None where the job wants none. */
  readonly ssh: JobSsh | undefined;
}

/**
 * Start the VMs of a job on its nodes: this node's as children of this process, others by an agent there. All
 * are ready when it returns; nothing is left of any when it throws.
 * @throws VtorqueError of the phase that failed first, or the signal's reason
 */
export async function startJobGuest(options: JobGuestOptions): Promise<JobGuest> {
  const { context, places, submission, scriptPath, record, signal, hooks, reports, ssh } = options;
  const { request, script } = submission;
  const variables = jobVariables(context.env, submission.variables, request.env);
  const own = { context, places, request, script, scriptPath, record, variables, hooks, reports, ssh };
  if (context.hosts.length === 1) {
    const network = await networkOf(options, [{ routes: await routesInUse(), ...(await preparedOffers(context.key)) }]);
    return firstOf(await startNodeGuests({ ...own, network, signal }));
  }
  // What a job of one node does not need, it does not load.
  const { othersOfJob } = await import('./nodes/index.ts');
  await using cleanup = new AsyncDisposableStack();
  const { others, hosts, trunks } = await othersOfJob({ ...options, variables });
  cleanup.use(trunks);
  cleanup.use(others);
  const here = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      // By its whole name, as the errors of the others have theirs.
      throw onNode(error, context.key.node);
    });
  const either = AbortSignal.any([signal, others.failed]);
  const facts = { ...trunks.facts, ...(await preparedOffers(context.key)) };
  const network = await networkOf(options, [facts, ...(await others.heard(signal))]);
  others.start(network);
  const local = { ...own, context: { ...context, hosts }, network, trunks, signal: either };
  const guests = cleanup.use(await here(startNodeGuests(local)));
  // Prologues of the others may take their time.
  await here(guests.watch('guest', others.ready(signal)));
  const started = cleanup.move();
  return {
    ...firstOf(guests),
    watch: (phase, work) => orAborted(here(guests.watch(phase, work)), others.failed),
    precancel: () => {
      if (hooks.directory !== '') others.precancel();
      return guests.precancel();
    },
    tearDown: async (exitCode) => {
      // Each to its end: what fails on one node is no reason to lose what was written on another.
      const ends = await Promise.allSettled([here(guests.tearDown(exitCode)), others.end(exitCode)]);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

async function networkOf(
  { context, submission: { request } }: JobGuestOptions,
  nodes: readonly NetworkFacts[],
): Promise<NetworkPlan | undefined> {
  const settings = await nodeSettings(context.env, context.owner.uid, context.node);
  return planNetwork(request, nodes.length * (request.vmsPerNode ?? 1), nodes, settings);
}

function firstOf(all: NodeGuests): JobGuest {
  const { machine, identity, files } = all.guests[0];
  return { machine, identity, files, ...all };
}
