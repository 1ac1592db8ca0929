import { type Phase, VtorqueError } from '../../base/index.ts';
import { PROTOCOL_VERSION } from '../../node/link/index.ts';

/** @param node undefined when the batch system does not tell which */
export function agentNotStarted(node: string | undefined, why: string): VtorqueError {
  const where = node === undefined ? 'a node of the job' : `node "${node}"`;
  return new VtorqueError('E_NODE_START', `Cannot start the agent of the job on ${where}: ${why}`, {
    ...{ node, phase: 'plan' },
    hint: 'vTorque must be installed on all nodes, at the same path, unless somebody has killed the agent',
  });
}

export function agentLost(node: string, phase: Phase, why: string): VtorqueError {
  return new VtorqueError('E_NODE_LOST', `Cannot go on: the agent of the job on node "${node}" is lost: ${why}`, {
    ...{ node, phase },
    hint: 'The node may be down, or cut off, or somebody has killed the agent',
  });
}

export function wrongVersion(node: string, version: number): VtorqueError {
  return new VtorqueError(
    'E_NODE_VERSION',
    `Cannot use node "${node}": its vTorque speaks version ${version} of the protocol between nodes, this one ${PROTOCOL_VERSION}`,
    { hint: 'Install the same version of vTorque on all nodes', node, phase: 'plan' },
  );
}

export function nodesSilent(nodes: readonly string[], ms: number): VtorqueError {
  return new VtorqueError(
    'E_NODE_SILENT',
    `Cannot start the job: nothing was heard from ${list(nodes)} within ${ms / 1000} s`,
    {
      ...{ node: nodes[0], phase: 'plan' },
      hint: 'The nodes of a job must reach each other by TCP, and have vTorque at the same path',
    },
  );
}

/** @param phase what the first of them was busy with */
export function nodesNotReady(nodes: readonly string[], phase: Phase, ms: number): VtorqueError {
  return new VtorqueError(
    'E_NODE_TIMEOUT',
    `Cannot start the job: no VM is ready on ${list(nodes)} within ${ms / 1000} s`,
    {
      ...{ node: nodes[0], phase },
      hint: 'See how far each node came with "vtorque jobs --timeline JOB", and whether the nodes are overloaded',
    },
  );
}

export function nodesNotEnded(nodes: readonly string[], ms: number): VtorqueError {
  return new VtorqueError(
    'E_TEAR_DOWN',
    `Cannot end the guests on ${list(nodes)} cleanly: no answer in ${ms / 1000} s`,
    {
      ...{ node: nodes[0], phase: 'tear-down' },
      hint: 'What was written last to shared folders and disks may be missing: look at it before you go on',
    },
  );
}

const named = 5;

/** `"n1", "n2" and 7 more`. */
function list(nodes: readonly string[]): string {
  const first = nodes.slice(0, named).map((node) => `"${node}"`);
  const more = nodes.length - named;
  return more > 0 ? `${first.join(', ')} and ${more} more` : first.join(', ');
}
