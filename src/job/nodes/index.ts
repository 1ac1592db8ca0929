import { join } from 'node:path';
import { findJobEngine } from '../../engine/index.ts';
import type { NodeGuestsOptions } from '../../node/guest/index.ts';
import { type OpenTrunks, openTrunks } from '../../node/link/index.ts';
import type { HostSlots } from '../../pbs/index.ts';
import { installRoot } from '../../site/index.ts';
import type { JobGuestOptions } from '../job-guest.ts';
import { AGENT_WORD } from './agent-word.ts';
import { type OtherNodes, startOtherNodes } from './other-nodes.ts';

export interface OthersOfJob {
  readonly others: OtherNodes;
  /** All nodes of the job, in its order. */
  readonly hosts: readonly HostSlots[];
  /** Where this node waits for the frames of the others. */
  readonly trunks: OpenTrunks;
}

/**
 * The VMs of this job on its other nodes, and all its nodes in the order of their ranks.
 * @throws VtorqueError `E_NOT_IN_JOB`, `E_ENGINE_UNAVAILABLE`, `E_NODE_START`
 */
export async function othersOfJob({
  context,
  submission,
  scriptPath,
  record,
  variables,
  hooks,
  reports,
  ssh,
}: JobGuestOptions & Pick<NodeGuestsOptions, 'variables'>): Promise<OthersOfJob> {
  const engine = await findJobEngine(context.env);
  const allocation = await engine.allocation();
  // A node knows its number by the batch system, so that has the order, not the node file.
  const hosts = allocation.nodes.map(({ name, slots }) => ({ host: name, slots }));
  const { nodeFile, cwd, umask, directories } = context;
  await using cleanup = new AsyncDisposableStack();
  const trunks = cleanup.use(await openTrunks(allocation));
  const others = await startOtherNodes({
    ...{ engine, allocation },
    agent: [join(installRoot, 'libexec/vtorque-launch'), AGENT_WORD],
    plan: {
      ...{ request: submission.request, hosts, nodeFile, cwd, umask, scriptPath, variables, hooks },
      directories: directories.map(({ path }) => path),
      ...(ssh === undefined ? {} : { ssh }),
    },
    reports,
    record: (node, event, value) => record('fact', `${node}: ${value ?? event}`),
  });
  cleanup.move();
  return { others, hosts, trunks };
}
