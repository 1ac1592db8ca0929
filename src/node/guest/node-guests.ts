import type { Phase, VtorqueError } from '../../base/index.ts';
import type { NetworkPlan } from '../../network/index.ts';
import { type PlannedVm, planVms } from '../../plan/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { Places } from '../../site/index.ts';
import type { JobContext } from './context.ts';
import { decideForNode } from './decide-for-node.ts';
import type { Variables } from './environment/index.ts';
import type { HookOrders, HookReports } from './hooks/index.ts';
import { type NodeGuest, type StartStep, startNodeGuest } from './node-guest.ts';
import type { NodeTrunks } from './node-network.ts';
import { sharedRecord } from './shared-record.ts';
import type { JobSsh } from './ssh/index.ts';
import { tearDown } from './tear-down.ts';

/** All guests of a job on this node. Disposing of it ends them at once. */
export interface NodeGuests extends AsyncDisposable {
  /** By their numbers on the node; the first one is that of the lowest rank. */
  readonly guests: readonly [NodeGuest, ...NodeGuest[]];
  /** Wait for work, as long as all of them live. */
  watch<T>(phase: Phase, work: Promise<T>): Promise<T>;
  /** The job is to end by a signal. Nothing that fails fails the job. */
  precancel(): Promise<void>;
  /**
   * End them so that everything that was written in them is there.
   * @param exitCode of the script
   */
  tearDown(exitCode: number): Promise<void>;
}

export interface NodeGuestsOptions {
  readonly context: JobContext;
  readonly places: readonly Places[];
  readonly request: VmRequest;
  /** None for a job without. */
  readonly network: NetworkPlan | undefined;
  /** Of a job over several nodes. */
  readonly trunks?: NodeTrunks | undefined;
  /** Where it runs, which is on the job's first VM: the user's script. */
  readonly script: Uint8Array | undefined;
  /** Path of the submitted script on the host. */
  readonly scriptPath: string;
  /** What the job brings into all of its VMs. */
  readonly variables: Variables;
  readonly hooks: HookOrders;
  readonly reports: HookReports;
  readonly record: (event: StartStep, value?: string) => void;
  readonly signal: AbortSignal;
  /** None where the job wants none. */
  readonly ssh: JobSsh | undefined;
}

/**
 * Decide, start and set up the VMs of a job on this node, all at the same time. Nothing is left of any when this throws.
 * @throws VtorqueError of the phase that failed first, or the signal's reason
 */
export async function startNodeGuests(options: NodeGuestsOptions): Promise<NodeGuests> {
  const { context, places, request, record, scriptPath, ssh, variables, reports } = options;
  record('plan');
  const vms = planVms(request, context.hosts);
  const here = vms.filter(({ nodeIndex }) => nodeIndex === context.nodeIndex);
  await using cleanup = new AsyncDisposableStack();
  const { network, hooks, placementOf, guestOf, ...decided } = await decideForNode(options, vms, here, cleanup);
  const common = { context, places, request, vms, scriptPath, ssh, variables, reports, hooks, ...decided };
  const networkLost = rejection(network?.lost);
  const recordOf = sharedRecord(record);
  const guests = await startAll(here, { signal: options.signal, networkLost, cleanup }, async (vm, signal) =>
    startNodeGuest({
      ...common,
      ...{ vm, signal, placement: placementOf(vm), guest: await guestOf(vm) },
      ...{ subnet: network?.subnet, connection: network?.connect(vm) },
      script: vm.rank === 0 ? options.script : undefined,
      record: recordOf(vm === here[0]),
    }),
  );
  const all = cleanup.move();
  return {
    guests,
    watch: (phase, work) => Promise.race([...guests.map((each) => each.watch(phase, work)), networkLost]),
    precancel: async () => {
      await Promise.allSettled(guests.map((each) => each.hooks?.precancel()));
    },
    tearDown: async (exitCode) => {
      // Each to its end: what fails in one is no reason to lose what was written in another.
      const ends = await Promise.allSettled(guests.map((each) => withEpilogues(each, exitCode)));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function withEpilogues(guest: NodeGuest, exitCode: number): Promise<void> {
  await guest.hooks?.epilogues(exitCode);
  await tearDown(guest);
}

interface StartTogether {
  readonly signal: AbortSignal;
  /** Rejects when no VM can be of use any more. */
  readonly networkLost: Promise<never>;
  /** Gets those that were started, also when starting throws. */
  readonly cleanup: AsyncDisposableStack;
}

/** Start all at the same time; the first failure, or the loss of their network, ends the other starts, and is the one that is told. */
async function startAll(
  vms: readonly PlannedVm[],
  { signal, networkLost, cleanup }: StartTogether,
  start: (vm: PlannedVm, signal: AbortSignal) => Promise<NodeGuest>,
): Promise<NodeGuests['guests']> {
  const failure = new AbortController();
  const either = AbortSignal.any([signal, failure.signal]);
  const starts = vms.map((vm) => start(vm, either));
  const abort = (error: unknown): void => failure.abort(error);
  // Before anybody hears that all have settled.
  for (const started of starts) started.catch(abort);
  const all = Promise.allSettled(starts);
  // One that is ready must live as long as the others take.
  for (const started of starts) started.then((guest) => guest.watch('guest', all)).catch(abort);
  let starting = true;
  networkLost.catch((error: unknown) => {
    if (starting) failure.abort(error);
  });
  const settled = await all;
  starting = false;
  const guests = settled.flatMap((each) => (each.status === 'fulfilled' ? [cleanup.use(each.value)] : []));
  if (failure.signal.aborted) throw failure.signal.reason;
  const [first, ...others] = guests;
  if (first === undefined) throw new Error('the job has no VM on this node');
  return [first, ...others];
}

/** Rejects with the reason when there is one. */
function rejection(lost: Promise<VtorqueError> | undefined): Promise<never> {
  const rejected = (lost ?? Promise.withResolvers<VtorqueError>().promise).then((error): never => {
    throw error;
  });
  rejected.catch(() => {});
  return rejected;
}
