import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GiB, MiB } from '../base/index.ts';
import type { NodeFacts } from './node-facts.ts';
import type { PlacedVm, Placement, PlacementOptions } from './placement.ts';
import { aNode, cpusOf, place, someVms } from './test-nodes.ts';

const anyNode = fc
  .record({
    packages: fc.integer({ min: 1, max: 2 }),
    numa: fc.integer({ min: 1, max: 3 }),
    cores: fc.integer({ min: 1, max: 6 }),
    threads: fc.integer({ min: 1, max: 2 }),
    frees: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 6, maxLength: 6 }),
    mask: fc.array(fc.boolean(), { minLength: 72, maxLength: 72 }),
  })
  .map(({ frees, mask, ...shape }) => {
    const node = aNode(shape);
    const numa = node.numa.map((each, at) => ({ ...each, free: (frees[at] ?? 1) * GiB }));
    const total = numa.reduce((sum, { free }) => sum + free, 0);
    return { ...node, numa, memory: { total }, allowed: node.allowed.filter((cpu) => mask[cpu] === true) };
  });

const anyVms = fc
  .array(fc.record({ vcpus: fc.integer({ min: 1, max: 8 }), quarters: fc.integer({ min: 1, max: 12 }) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((sizes) =>
    sizes.map(({ vcpus, quarters }, at) => ({ name: `v${at}`, index: at + 1, vcpus, ram: quarters * 256 * MiB })),
  );

const anyOptions = fc.record({
  smt: fc.constantFrom('auto', 'cores', 'threads'),
  hostCores: fc.integer({ min: 0, max: 2 }),
  pinning: fc.constantFrom('auto', undefined),
  slots: fc.integer({ min: 1, max: 8 }),
});

/** Of what was placed, or nothing where it is refused. */
function tryPlace(vms: PlacedVm[], facts: NodeFacts, options: Partial<PlacementOptions>): Placement[] {
  try {
    return place(vms, facts, options);
  } catch (error) {
    if (/^E_(PINNING|NODE_MEMORY)$/.test((error as { code?: string }).code ?? '')) return [];
    throw error;
  }
}

test('no CPU is given to two virtual CPUs, none outside the job, none that is kept for the node', () => {
  fc.assert(
    fc.property(anyNode, anyVms, anyOptions, (facts, vms, options) => {
      const placed = tryPlace(vms, facts, options);
      const cpus = placed.flatMap(cpusOf);
      assert.equal(new Set(cpus).size, cpus.length);
      const all = [...cpus, ...placed.flatMap(({ pins }) => pins?.others ?? [])];
      assert.ok(all.every((cpu) => facts.allowed.includes(cpu)));
      // In these nodes cores are numbered by their first thread.
      const cores = facts.cpus.length / (facts.cpus.filter(({ core, node }) => core === 0 && node === 0).length || 1);
      assert.ok(all.every((cpu) => cpu % cores >= options.hostCores));
      for (const [at, { pins }] of placed.entries()) if (pins) assert.equal(pins.vcpus.length, vms[at]?.vcpus);
    }),
    { numRuns: 1000 },
  );
});

test('no core is given to two virtual CPUs where each must have a core', () => {
  fc.assert(
    fc.property(anyNode, anyVms, (facts, vms) => {
      const cores = tryPlace(vms, facts, { smt: 'cores' })
        .flatMap(cpusOf)
        .map((cpu) => facts.cpus.find(({ id }) => id === cpu))
        .map((cpu) => `${cpu?.package} ${cpu?.core}`);
      assert.equal(new Set(cores).size, cores.length);
    }),
  );
});

test('the other threads of QEMU are apart from all virtual CPUs where the job has a CPU that is left', () => {
  fc.assert(
    fc.property(anyNode, anyVms, (facts, vms) => {
      const placed = tryPlace(vms, facts, {});
      const cpus = placed.flatMap(cpusOf);
      const others = placed.flatMap(({ pins }) => pins?.others ?? []);
      if (facts.allowed.length > cpus.length) assert.ok(others.every((cpu) => !cpus.includes(cpu)));
      if (placed.length > 0) assert.ok(placed.every(({ pins }) => (pins?.others.length ?? 0) > 0));
    }),
  );
});

test('memory is whole, and never more of a NUMA node than is free there', () => {
  fc.assert(
    fc.property(anyNode, anyVms, (facts, vms) => {
      const placed = tryPlace(vms, facts, {});
      for (const [at, { memory }] of placed.entries()) {
        const size = memory?.cells.reduce((sum, cell) => sum + cell.size, 0);
        assert.equal(size, vms[at]?.ram);
        const vcpus = memory?.cells.flatMap((cell) => cell.vcpus).sort((a, b) => a - b);
        assert.deepEqual(
          vcpus,
          Array.from({ length: vms[at]?.vcpus ?? 0 }, (_, vcpu) => vcpu),
        );
      }
      for (const { id, free } of facts.numa) {
        const cells = placed.flatMap(({ memory }) => memory?.cells ?? []).filter(({ hostNode }) => hostNode === id);
        assert.ok(cells.reduce((sum, { size }) => sum + size, 0) <= free);
      }
    }),
  );
});

test('the processor of a guest has as many threads as virtual CPUs', () => {
  fc.assert(
    fc.property(anyNode, anyVms, anyOptions, (facts, vms, options) => {
      for (const [at, { topology }] of tryPlace(vms, facts, options).entries()) {
        if (topology === undefined) continue;
        const { sockets, dies, cores, threads } = topology;
        assert.equal(sockets * dies * cores * threads, vms[at]?.vcpus);
        assert.ok([sockets, dies, cores, threads].every((each) => Number.isInteger(each) && each > 0));
      }
    }),
  );
});

test('a VM is on no more NUMA nodes than it takes to hold it', () => {
  fc.assert(
    fc.property(anyNode, anyVms, (facts, vms) => {
      const [vm] = vms;
      if (vm === undefined) return;
      const [placed] = tryPlace([vm], facts, { smt: 'cores' });
      if (placed?.pins === undefined || facts.numa.length === 1) return;
      const used = new Set([
        ...placed.pins.vcpus.map((cpu) => facts.cpus.find(({ id }) => id === cpu)?.node),
        ...(placed.memory?.cells ?? []).map(({ hostNode }) => hostNode),
      ]);
      const holds = (set: readonly number[]): boolean => {
        const cores = facts.cpus.filter(({ id, node }) => facts.allowed.includes(id) && set.includes(node));
        const free = facts.numa.filter(({ id }) => set.includes(id)).reduce((sum, each) => sum + each.free, 0);
        return new Set(cores.map(({ package: p, core }) => `${p} ${core}`)).size >= vm.vcpus && free >= vm.ram;
      };
      const sets = facts.numa.reduce<number[][]>((all, { id }) => all.concat(all.map((set) => [...set, id])), [[]]);
      assert.equal(used.size, Math.min(...sets.filter(holds).map((set) => set.length)));
    }),
    { numRuns: 1000 },
  );
});

test('a VM is on several NUMA nodes only if none has room for it when its turn comes', () => {
  fc.assert(
    fc.property(anyNode, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }), (facts, count, vcpus) => {
      const coreOf = (cpu: number): string => {
        const found = facts.cpus.find(({ id }) => id === cpu);
        return `${found?.node} ${found?.core}`;
      };
      const left = new Set(facts.allowed.map(coreOf));
      const room = (node: number): number => [...left].filter((core) => core.startsWith(`${node} `)).length;
      for (const each of tryPlace(someVms(count, vcpus, 64 * MiB), facts, { smt: 'cores' })) {
        const cores = cpusOf(each).map(coreOf);
        const nodes = new Set(cores.map((core) => core.split(' ')[0]));
        if (nodes.size > 1) assert.ok(facts.numa.every(({ id }) => room(id) < vcpus));
        for (const core of cores) left.delete(core);
      }
    }),
    { numRuns: 1000 },
  );
});

test('the same VMs, node and options give the same placement, in the order of the VMs', () => {
  fc.assert(
    fc.property(anyNode, anyVms, anyOptions, (facts, vms, options) => {
      const placed = tryPlace(vms, facts, options);
      assert.deepEqual(tryPlace(vms, structuredClone(facts), options), placed);
      if (placed.length > 0) {
        assert.deepEqual(
          placed.map(({ name }) => name),
          vms.map(({ name }) => name),
        );
      }
    }),
  );
});

test('what is refused fits with the change that the hint names', () => {
  fc.assert(
    fc.property(anyNode, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 12 }), (facts, count, vcpus) => {
      try {
        place(someVms(count, vcpus, 64 * MiB), facts);
      } catch (error) {
        const { code, hint = '' } = error as { code: string; hint?: string };
        if (code !== 'E_PINNING') return;
        const [, fewer] = /vcpus=(\d+)/.exec(hint) ?? [];
        if (fewer !== undefined) assert.equal(place(someVms(count, Number(fewer), 64 * MiB), facts).length, count);
        else assert.ok(facts.allowed.length < count);
      }
    }),
  );
});
