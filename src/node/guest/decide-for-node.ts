import { checkDistro, distroOf, distroOfHost, type GuestSystem, resolveGuest, useImage } from '../../image/index.ts';
import type { PlannedVm } from '../../plan/index.ts';
import { agentProgram } from '../../site/index.ts';
import type { Accelerator, VmPlacement } from '../../vm/index.ts';
import { readNodeFacts } from '../facts/index.ts';
import { preparedHere, siteTapsHere } from '../network/prepared.ts';
import { accelerate } from './accelerate.ts';
import { cpuClaims } from './cpu-claims.ts';
import { type PreparedHooks, prepareHooks } from './hooks/index.ts';
import type { NodeGuestsOptions } from './node-guests.ts';
import { type NodeNetwork, startNodeNetwork } from './node-network.ts';
import { type NodeSettings, nodeSettings } from './node-settings.ts';
import { placementFacts, placeVms } from './place-vms.ts';
import { qemuEnvironment } from './qemu-environment.ts';

/** What is the same for all VMs of a job on a node, or decided for all together. */
export interface NodeDecisions {
  readonly settings: NodeSettings;
  readonly accelerator: Accelerator;
  /** As `distro=` calls it; undefined when nobody knows. */
  readonly distro: string | undefined;
  readonly hooks: PreparedHooks | undefined;
  /** None for a job without. */
  readonly network: NodeNetwork | undefined;
  placementOf(vm: PlannedVm): VmPlacement | undefined;
  guestOf(vm: PlannedVm): Promise<GuestSystem>;
}

/**
 * Decide how the VMs of a job run on this node, and make what they share: the network, locks. What was chosen, and why, is recorded.
 * @param here those of the VMs that run on this node
 * @param cleanup gets what has to be ended after the VMs, also when this throws
 * @throws VtorqueError of the phase that failed, or the signal's reason
 */
export async function decideForNode(
  options: NodeGuestsOptions,
  vms: readonly PlannedVm[],
  here: readonly PlannedVm[],
  cleanup: AsyncDisposableStack,
): Promise<NodeDecisions> {
  const { context, places, request, record, signal } = options;
  const settings = await nodeSettings(context.env, context.owner.uid, context.node);
  const { node, hosts, nodeIndex, key } = context;
  // Those of the embedded batch system are no cores: its nodes are one machine, which has other work, too.
  const slots = key.engine === 'embedded' ? 0 : (hosts[nodeIndex]?.slots ?? 1);
  // Held until the VMs have ended.
  const claims = cleanup.use(cpuClaims());
  const placements = await placeVms(here, { request, settings, facts: readNodeFacts(), slots, node }, claims);
  for (const fact of placementFacts(placements)) record('fact', fact);
  record('network');
  const network = await networkHere(options, vms);
  if (network !== undefined) cleanup.use(network);
  for (const fact of network?.facts ?? []) record('fact', `network: ${fact}`);
  const resolve = (vm: PlannedVm | undefined): Promise<GuestSystem> =>
    resolveGuest(request.img, {
      ...{ places, agent: agentProgram, kernel: request.kernel, signal },
      network: vm === undefined ? undefined : network?.connect(vm).network,
    });
  const guest = await resolve(here[0]);
  if (request.distro !== undefined && guest.kind === 'host') {
    checkDistro(request.distro, guest.name, await distroOfHost());
  }
  const hooks = await prepareHooks(options.hooks, context.owner.uid);
  const chosen = await accelerate(guest, settings, { places, env: qemuEnvironment(context), signal });
  if (request.kernel !== undefined) record('fact', `kernel ${request.kernel}`);
  record('fact', `accelerator ${chosen.accelerator}: ${chosen.reason}`);
  if (guest.kind !== 'host') cleanup.use(await useImage(guest.disk.useLock));
  return {
    ...{ settings, network, hooks, accelerator: chosen.accelerator, distro: await distroOf(guest) },
    placementOf: (vm) => placements[here.indexOf(vm)],
    // A cloud image is told on a disk of its own where it is.
    guestOf: async (vm) => (guest.kind === 'cloud' && vm !== here[0] ? resolve(vm) : guest),
  };
}

function networkHere(
  { context, network: plan, trunks, signal }: NodeGuestsOptions,
  vms: readonly PlannedVm[],
): Promise<NodeNetwork | undefined> {
  if (plan === undefined) return Promise.resolve(undefined);
  const { nodeIndex } = context;
  const prepared = () => preparedHere(context.key);
  const siteTaps = () => siteTapsHere(context.key);
  return startNodeNetwork({ plan, vms, nodeIndex, trunks, prepared, siteTaps, env: qemuEnvironment(context), signal });
}
