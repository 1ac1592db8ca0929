import { VtorqueError } from '../base/index.ts';
import { checkPinningFile, type PinningFile } from '../request/index.ts';
import type { NodeFacts } from './node-facts.ts';
import type { PlacedVm, Placement, PlacementOptions } from './placement.ts';
import { CpuPool } from './placement-cpus.ts';
import { tooLittleNear } from './placement-errors.ts';
import { memoryPool } from './placement-memory.ts';
import { type PlacedCpus, settled, takeMemory } from './placement-vm.ts';

/**
 * Place VMs as a file says. Their memory is on the NUMA nodes of the CPUs that it names.
 * @throws VtorqueError `E_PINNING_FILE`, `E_PINNING`
 */
export function mapped(
  vms: readonly PlacedVm[],
  facts: NodeFacts,
  options: PlacementOptions,
  map: PinningFile,
  page: number | undefined,
): Placement[] {
  checkPinningFile(map, vms.length, Math.max(...vms.map(({ vcpus }) => vcpus)));
  const memory = memoryPool(facts, options, page);
  const pool = new CpuPool(facts, options, 'thread');
  const placed = vms.map((vm): PlacedCpus => {
    const asked = (map.cpus ?? []).filter((line) => line.vm === vm.index).map(({ cpu }) => cpu);
    const { taken: cpus, missing } = pool.takeThese(asked);
    const [first] = missing;
    if (first !== undefined) throw cannotUse(map, first, facts, options);
    const nodes = [...new Set(cpus.map(({ node }) => node))].sort((a, b) => a - b);
    const vcpus = nodes.map((node) => cpus.flatMap((cpu, vcpu) => (cpu.node === node ? [vcpu] : [])));
    const cells = takeMemory(vm, nodes, vcpus, facts, memory);
    if (cells === undefined) throw tooLittleNear(vm, nodes, options);
    return { vm, cpus, memory: cells, nodes };
  });
  return placed.map((each) => settled(each, pool));
}

function cannotUse({ file }: PinningFile, cpu: number, facts: NodeFacts, options: PlacementOptions): VtorqueError {
  const there = facts.cpus.some(({ id }) => id === cpu);
  const state = !there
    ? 'it has no such CPU, or that is offline'
    : !facts.allowed.includes(cpu)
      ? 'the job may not use that one'
      : options.taken?.includes(cpu)
        ? 'a VM of another job is pinned to it'
        : 'it is kept for the node itself';
  return new VtorqueError(
    'E_PINNING_FILE',
    `Cannot use vcpu_pinning="${file}" on node "${options.node}": it names CPU ${cpu}, and ${state}`,
    { hint: 'Name others there, or let vTorque choose with vcpu_pinning=auto', phase: 'plan' },
  );
}
