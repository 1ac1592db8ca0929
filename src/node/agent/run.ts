import { shortName } from '../../base/index.ts';
import type { AllocatedNode, Allocation } from '../../engine/index.ts';
import { findJobEngine, hookedAttempt } from '../../engine/index.ts';
import { placesToRead } from '../../site/index.ts';
import { existing, type JobContext, readOwner, startNodeGuests } from '../guest/index.ts';
import type { LeaseKey } from '../leases/lease.ts';
import {
  Channel,
  connectToLauncher,
  type LauncherPlace,
  linkKey,
  type NodePlan,
  openTrunks,
  readToNode,
} from '../link/index.ts';
import { preparedOffers } from '../network/prepared.ts';
import { type ServedGuests, serveLauncher } from './serve.ts';

export interface NodeAgentOptions {
  readonly launcher: LauncherPlace;
  readonly env: Readonly<Record<string, string>>;
  /** Ends the attempt to reach the launcher; later its word counts alone. */
  readonly signal: AbortSignal;
}

/**
 * The program of a job on each node but the first: runs its VMs there at the launcher's word.
 * @throws VtorqueError `E_NOT_IN_JOB`, `E_NODE_CONNECT`; everything later is told to the launcher
 */
export async function runNodeAgent({ launcher, env, signal }: NodeAgentOptions): Promise<void> {
  const allocation = await (await findJobEngine(env)).allocation();
  const { nodes, nodeIndex } = allocation;
  const node = nodes[nodeIndex] as AllocatedNode;
  await using trunks = await openTrunks(allocation);
  const socket = await connectToLauncher(launcher, linkKey(allocation, nodeIndex), signal);
  await serveLauncher({
    channel: new Channel(socket, readToNode),
    node: node.name,
    network: { ...trunks.facts, ...(await preparedOffers(keyHere(allocation, env))) },
    start: async (plan, news, over) => {
      const context = await contextHere(plan, allocation, env);
      const places = placesToRead(env, context.owner.uid);
      const { request, scriptPath, network, ssh, variables, hooks } = plan;
      const { guests, ...all } = await startNodeGuests({
        ...{ context, places, request, network, trunks, script: undefined, scriptPath, ssh },
        ...{ variables, hooks, ...news },
        signal: over,
      });
      return { ...all, names: guests.map(({ machine }) => machine.spec.name) } satisfies ServedGuests;
    },
  });
}

/** The job as it is on this node: who its owner is, and which of its directories there are, every node knows itself. */
async function contextHere(plan: NodePlan, allocation: Allocation, env: NodeAgentOptions['env']): Promise<JobContext> {
  const { hosts, nodeIndex, nodeFile, cwd, umask } = plan;
  const owner = await readOwner();
  const node = hosts[nodeIndex]?.host ?? '';
  const key = keyHere(allocation, env);
  const directories = await existing([owner.home, ...plan.directories]);
  return {
    key,
    ...{ id: key.jobId, owner, hosts, nodeIndex, nodeFile, cwd, umask, env, directories },
    node: shortName(node),
  };
}

/** The job's run on this node, as its hooks know it. */
function keyHere(
  { engine, cluster, jobId, attempt, nodes, nodeIndex }: Allocation,
  env: NodeAgentOptions['env'],
): LeaseKey {
  const node = nodes[nodeIndex]?.name ?? '';
  return { engine, cluster, jobId, attempt: engine === 'slurm' ? attempt : hookedAttempt(engine, env), node };
}
