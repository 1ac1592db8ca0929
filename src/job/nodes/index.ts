import { join } from 'node:path';
import { findJobEngine } from '../../engine/index.ts';
import type { HostSlots } from '../../pbs/index.ts';
import { installRoot } from '../../site/index.ts';
import type { JobGuestOptions } from '../job-guest.ts';
import { AGENT_WORD } from './agent-word.ts';
import { type OtherNodes, startOtherNodes } from './other-nodes.ts';

/**
 * The VMs of this job on its other nodes, and all its nodes in the order of their ranks.
 * @throws VtorqueError `E_NOT_IN_JOB`, `E_ENGINE_UNAVAILABLE`, `E_NODE_START`
 */
export async function othersOfJob({
  context,
  submission,
  scriptPath,
  record,
}: JobGuestOptions): Promise<{ readonly others: OtherNodes; readonly hosts: readonly HostSlots[] }> {
  const engine = await findJobEngine(context.env);
  const allocation = await engine.allocation();
  // A node knows its number by the batch system, so that has the order, not the node file.
  const hosts = allocation.nodes.map(({ name, slots }) => ({ host: name, slots }));
  const { nodeFile, cwd, umask, directories } = context;
  const others = await startOtherNodes({
    ...{ engine, allocation },
    agent: [join(installRoot, 'libexec/vtorque-launch'), AGENT_WORD],
    plan: {
      ...{ request: submission.request, hosts, nodeFile, cwd, umask, scriptPath },
      directories: directories.map(({ path }) => path),
    },
    record: (node, event, value) => record('fact', `${node}: ${value ?? event}`),
  });
  return { others, hosts };
}
