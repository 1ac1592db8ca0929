import type { AllocatedNode, Allocation } from '../../engine/index.ts';
import { findJobEngine, hookedAttempt } from '../../engine/index.ts';
import { placesToRead } from '../../site/index.ts';
import { existing, type JobContext, readOwner, shortName, startNodeGuest, tearDown } from '../guest/index.ts';
import { Channel, connectToLauncher, type LauncherPlace, linkKey, type NodePlan, readToNode } from '../link/index.ts';
import { type ServedGuest, serveLauncher } from './serve.ts';

export interface NodeAgentOptions {
  readonly launcher: LauncherPlace;
  readonly env: Readonly<Record<string, string>>;
  /** Ends the attempt to reach the launcher; later its word counts alone. */
  readonly signal: AbortSignal;
}

/**
 * The program of a job on each node but the first: runs a VM there at the launcher's word.
 * @throws VtorqueError `E_NOT_IN_JOB`, `E_NODE_CONNECT`; everything later is told to the launcher
 */
export async function runNodeAgent({ launcher, env, signal }: NodeAgentOptions): Promise<void> {
  const allocation = await (await findJobEngine(env)).allocation();
  const { nodes, nodeIndex } = allocation;
  const node = nodes[nodeIndex] as AllocatedNode;
  const socket = await connectToLauncher(launcher, linkKey(allocation, nodeIndex), signal);
  await serveLauncher({
    channel: new Channel(socket, readToNode),
    node: node.name,
    start: async (plan, record, over) => {
      const context = await contextHere(plan, allocation, env);
      const places = placesToRead(env, context.owner.uid);
      const { request, scriptPath } = plan;
      const options = { context, places, request, script: undefined, scriptPath, record, signal: over };
      const guest = await startNodeGuest(options);
      return {
        name: guest.machine.spec.name,
        watch: (phase, work) => guest.watch(phase, work),
        tearDown: () => tearDown(guest),
        [Symbol.asyncDispose]: () => guest[Symbol.asyncDispose](),
      } satisfies ServedGuest;
    },
  });
}

/** The job as it is on this node: who its owner is, and which of its directories there are, every node knows itself. */
async function contextHere(
  plan: NodePlan,
  { engine, cluster, jobId, attempt }: Allocation,
  env: NodeAgentOptions['env'],
): Promise<JobContext> {
  const { hosts, rank, nodeFile, cwd, umask } = plan;
  const owner = await readOwner();
  const node = hosts[rank]?.host ?? '';
  const directories = await existing([owner.home, ...plan.directories]);
  return {
    key: { engine, cluster, jobId, attempt: engine === 'slurm' ? attempt : hookedAttempt(engine, env), node },
    ...{ id: jobId, owner, hosts, rank, nodeFile, cwd, umask, env, directories },
    node: shortName(node),
  };
}
