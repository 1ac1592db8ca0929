import { VtorqueError } from '../../base/index.ts';
import {
  type NodeFacts,
  type PlacedVm,
  type Placement,
  type PlacementOptions,
  planPlacement,
} from '../../plan/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { CpuClaims } from './cpu-claims.ts';
import { changesInMemory } from './disks.ts';
import type { NodeSettings } from './node-settings.ts';

/** Where the VMs of a job run on a node. */
export interface PlaceOptions {
  readonly request: Pick<VmRequest, 'img' | 'fsType' | 'vcpuPinning' | 'hugePages'>;
  readonly settings: Pick<NodeSettings, 'placement' | 'storage'>;
  readonly facts: NodeFacts;
  /** Slots of the job on the node that are cores. */
  readonly slots: number;
  /** Its name, for errors. */
  readonly node: string;
}

/**
 * Decide where VMs run, as far as that can be told without looking at other jobs.
 * @throws VtorqueError as `planPlacement`
 */
export function placementOf(
  vms: readonly PlacedVm[],
  options: PlaceOptions,
  taken: readonly number[] = [],
): Placement[] {
  const { request, settings, facts, slots, node } = options;
  const { vcpuPinning, hugePages = false } = request;
  const choice: PlacementOptions = {
    ...{ ...settings.placement, pinning: vcpuPinning, hugePages, slots, node, taken },
    ramdisk: changesInMemory(request) ? settings.storage.ramdisk : 0,
  };
  const placements = planPlacement(vms, facts, choice);
  const { vendor } = facts;
  return vendor === undefined ? placements : placements.map((each) => ({ ...each, hostVendor: vendor }));
}

/**
 * Decide where VMs run, on CPUs that no VM of another job is pinned to. Who has asked for pinning gets it also where there are not
 * enough of these.
 * @param claims hold the CPUs, as long as the VMs run
 * @throws VtorqueError as `planPlacement`
 */
export async function placeVms(
  vms: readonly PlacedVm[],
  options: PlaceOptions,
  claims: CpuClaims,
): Promise<Placement[]> {
  const taken: number[] = [];
  for (;;) {
    const placements = besideOthers(vms, options, taken);
    if (placements === undefined) break;
    const cpus = placements.flatMap(({ pins }) => pins?.vcpus ?? []);
    const others = await claims.claim(cpus);
    if (others.length === 0) return placements;
    if (typeof options.request.vcpuPinning === 'object') break;
    taken.push(...others);
  }
  const shared = 'VMs of other jobs are pinned there, too';
  return placementOf(vms, options).map((each) => ({ ...each, reason: `${each.reason}; ${shared}` }));
}

/** Undefined where there is too little beside VMs of other jobs. */
function besideOthers(
  vms: readonly PlacedVm[],
  options: PlaceOptions,
  taken: readonly number[],
): Placement[] | undefined {
  try {
    return placementOf(vms, options, taken);
  } catch (error) {
    if (taken.length > 0 && error instanceof VtorqueError && error.code === 'E_PINNING') return undefined;
    throw error;
  }
}

/** What was chosen and why, for the job's record; one line where it is the same for all. */
export function placementFacts(placements: readonly Placement[]): string[] {
  const reasons = new Set(placements.map(({ reason }) => reason));
  if (reasons.size === 1) return [...reasons].map((reason) => `placement: ${reason}`);
  return placements.map(({ name, reason }) => `placement of ${name}: ${reason}`);
}
