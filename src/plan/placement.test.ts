import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GiB, MiB } from '../base/index.ts';
import type { NodeFacts } from './node-facts.ts';
import { type PlacedVm, type Placement, type PlacementOptions, planPlacement } from './placement.ts';
import { aNode, someOptions } from './test-nodes.ts';

const someVms = (count: number, vcpus: number, ram = GiB): PlacedVm[] =>
  Array.from({ length: count }, (_, at) => ({ name: `vn1-${at + 1}`, index: at + 1, vcpus, ram }));

const place = (vms: PlacedVm[], facts: NodeFacts, changes: Partial<PlacementOptions> = {}): Placement[] =>
  planPlacement(vms, facts, someOptions(changes));

const cpusOf = ({ pins }: Placement): readonly number[] => pins?.vcpus ?? [];

test('planPlacement() gives each virtual CPU a core, and the other threads of QEMU the cores that are left', () => {
  const [placed] = place(someVms(1, 2), aNode({ cores: 4 }));
  assert.deepEqual(placed?.pins, { vcpus: [0, 1], others: [2, 3] });
  assert.deepEqual(placed?.topology, { sockets: 1, dies: 1, cores: 2, threads: 1 });
  assert.equal(placed?.reason, "virtual CPUs on CPU 0-1, QEMU's other threads on 2-3");
});

test('planPlacement() says nothing of NUMA on a node that has one NUMA node', () => {
  const [placed] = place(someVms(1, 2), aNode({ cores: 4 }));
  assert.deepEqual(placed?.memory, { cells: [{ size: GiB, vcpus: [0, 1] }] });
});

test('planPlacement() takes cores before second threads, and threads where cores do not suffice', () => {
  const node = aNode({ cores: 4, threads: 2 });
  const [onCores] = place(someVms(1, 4), node);
  assert.deepEqual(onCores?.pins, { vcpus: [0, 1, 2, 3], others: [4, 5, 6, 7] });
  const [onThreads] = place(someVms(1, 6), node);
  assert.deepEqual(onThreads?.pins, { vcpus: [0, 4, 1, 5, 2, 6], others: [3, 7] });
  assert.deepEqual(onThreads?.topology, { sockets: 1, dies: 1, cores: 3, threads: 2 });
});

test('planPlacement() keeps to the site policy for threads', () => {
  const node = aNode({ cores: 4, threads: 2 });
  assert.deepEqual(place(someVms(1, 4), node, { smt: 'threads' })[0]?.pins?.vcpus, [0, 4, 1, 5]);
  assert.throws(() => place(someVms(1, 6), node, { smt: 'cores' }), {
    message: 'Cannot pin virtual CPUs: the job may use 4 cores of node "n1" for its 6 virtual CPUs',
    hint: 'Ask for 2 more slots, for vcpus=4, or for vcpu_pinning=false',
  });
});

test('planPlacement() lets two VMs share a core only where each cannot have whole ones', () => {
  const node = aNode({ cores: 2, threads: 2 });
  const both = place(someVms(2, 1), node, { smt: 'threads' }).map(cpusOf);
  assert.deepEqual(both, [[0], [1]]);
  const four = place(someVms(4, 1), node).map(cpusOf);
  assert.deepEqual(four, [[0], [2], [1], [3]]);
});

test('planPlacement() spreads VMs over NUMA nodes, each whole on one with its memory', () => {
  const placed = place(someVms(2, 4, 8 * GiB), aNode({ packages: 2, cores: 8 }));
  assert.deepEqual(placed.map(cpusOf), [
    [0, 1, 2, 3],
    [8, 9, 10, 11],
  ]);
  assert.deepEqual(
    placed.map(({ memory }) => memory?.cells),
    [0, 1].map((hostNode) => [{ size: 8 * GiB, hostNode, vcpus: [0, 1, 2, 3] }]),
  );
  assert.deepEqual(
    placed.map(({ pins }) => pins?.others),
    [
      [4, 5, 6, 7],
      [12, 13, 14, 15],
    ],
  );
});

test('planPlacement() shows a guest on two NUMA nodes both, with the distances and packages of the host', () => {
  const [placed] = place(someVms(1, 12, 3 * GiB), aNode({ packages: 2, cores: 8 }));
  assert.deepEqual(placed?.memory?.cells, [
    { size: 1536 * MiB, hostNode: 0, vcpus: [0, 1, 2, 3, 4, 5] },
    { size: 1536 * MiB, hostNode: 1, vcpus: [6, 7, 8, 9, 10, 11] },
  ]);
  assert.deepEqual(placed?.memory?.distances, [
    [10, 32],
    [32, 10],
  ]);
  assert.deepEqual(placed?.topology, { sockets: 2, dies: 1, cores: 6, threads: 1 });
});

test('planPlacement() shows a package for each NUMA node where several are in one package of the host', () => {
  const [placed] = place(someVms(1, 8), aNode({ numa: 4, cores: 4, threads: 2 }));
  assert.deepEqual(placed?.topology, { sockets: 2, dies: 1, cores: 4, threads: 1 });
});

test('planPlacement() keeps a VM on one cache where it fits, and shows dies', () => {
  const node = aNode({ dies: 4, cores: 16 });
  assert.deepEqual(place(someVms(2, 3), node).map(cpusOf), [
    [0, 1, 2],
    [4, 5, 6],
  ]);
  assert.deepEqual(place(someVms(1, 8), node)[0]?.topology, { sockets: 1, dies: 2, cores: 4, threads: 1 });
});

test('planPlacement() takes NUMA nodes that are near each other', () => {
  const [placed] = place(someVms(1, 6), aNode({ packages: 2, numa: 2, cores: 4 }));
  assert.deepEqual(placed?.memory?.distances, [
    [10, 12],
    [12, 10],
  ]);
});

test('planPlacement() takes memory of a second NUMA node where the first has too little', () => {
  const [placed] = place(someVms(1, 2, 6 * GiB), aNode({ packages: 2, cores: 4, free: 4 * GiB }));
  const cells = placed?.memory?.cells ?? [];
  assert.deepEqual(
    cells.map(({ vcpus }) => vcpus.length),
    [1, 1],
  );
  assert.deepEqual(
    cells.map(({ size }) => size),
    [3 * GiB, 3 * GiB],
  );
});

test('planPlacement() keeps within the cores of the job, less those that are kept for the node and those of others', () => {
  const node = aNode({ cores: 8 }, { allowed: [0, 2, 4, 6] });
  assert.deepEqual(place(someVms(1, 2), node)[0]?.pins, { vcpus: [0, 2], others: [4, 6] });
  assert.deepEqual(place(someVms(1, 2), node, { hostCores: 1 })[0]?.pins, { vcpus: [2, 4], others: [6] });
  assert.deepEqual(place(someVms(1, 2), node, { taken: [2] })[0]?.pins, { vcpus: [0, 4], others: [6] });
  assert.throws(() => place(someVms(2, 2), node, { hostCores: 1, taken: [2] }), {
    message:
      'Cannot pin virtual CPUs: the job may use 2 CPUs of node "n1" for its 4 virtual CPUs; 1 core of the node is kept for itself; VMs of other jobs have 1 CPU',
    hint: 'Ask for 2 more slots, for vcpus=1, or for vcpu_pinning=false',
  });
});

test('planPlacement() pins without being asked only where the job has cores of its own', () => {
  const node = aNode({ cores: 8 });
  const why = (facts: NodeFacts, slots: number) =>
    place(someVms(1, 2), facts, { pinning: undefined, slots })[0]?.reason;
  assert.match(why(node, 8) ?? '', /^virtual CPUs on CPU 0-1/);
  assert.match(why({ ...node, allowed: [2, 3] }, 2) ?? '', /^virtual CPUs on CPU 2-3/);
  assert.equal(why(node, 2), 'virtual CPUs are not pinned: the batch system gives the job no cores of its own');
  assert.equal(
    why({ ...node, isMachine: false }, 8),
    'virtual CPUs are not pinned: the node is a container, and others may have the same cores',
  );
  assert.equal(
    why({ ...node, allowed: [1, 2, 3] }, 2),
    'virtual CPUs are not pinned: the job is let onto more CPUs than it has slots for, so others may be there, too',
  );
  assert.equal(
    why({ ...node, allowed: [1] }, 2),
    'virtual CPUs are not pinned: the job may use 1 CPU of node "n1" for its 2 virtual CPUs',
  );
});

test('planPlacement() refuses more memory than the node or the limit of the job has, with what QEMU needs', () => {
  const node = aNode({ cores: 4, free: 4 * GiB });
  assert.throws(() => place(someVms(1, 2, 4 * GiB), node), {
    code: 'E_NODE_MEMORY',
    message:
      'Cannot hold the VM on node "n1": 4264 MiB are needed, with 168 MiB for QEMU itself, and there are 4096 MiB',
    hint: 'Ask for ram=3928M',
  });
  assert.throws(() => place(someVms(2, 2, GiB), node, { hostRam: 2 * GiB }), {
    message:
      'Cannot hold 2 VMs on node "n1": 2384 MiB are needed, with 336 MiB for QEMU itself, and there are 4096 MiB, 2048 MiB of them kept for the node itself',
    hint: 'Ask for ram=856M',
  });
  assert.throws(() => place(someVms(1, 2, GiB), { ...node, memory: { total: 4 * GiB, limit: GiB } }), {
    message:
      'Cannot hold the VM on node "n1": 1192 MiB are needed, with 168 MiB for QEMU itself, and the job may have 1024 MiB',
    hint: 'Ask for -l mem=1192mb, or for ram=856M',
  });
  assert.throws(() => place(someVms(2, 2, GiB), node, { ramdisk: GiB }), {
    message:
      'Cannot hold 2 VMs on node "n1": 4432 MiB are needed, with 336 MiB for QEMU itself and 2048 MiB for fs_type=ramdisk, and there are 4096 MiB',
    hint: 'Ask for ram=856M',
  });
});

test('planPlacement() takes the largest huge pages that divide the memory, and refuses where too few are free', () => {
  const pages = (...counts: readonly [size: number, free: number][]) =>
    aNode({ hugePages: counts.map(([size, free]) => ({ size, free })) });
  const memory = (facts: NodeFacts, ram: number) => place(someVms(1, 1, ram), facts, { hugePages: true })[0]?.memory;
  const both = pages([2 * MiB, 600], [GiB, 1]);
  assert.deepEqual(memory(both, GiB), { hugePages: GiB, cells: [{ size: GiB, vcpus: [0] }] });
  assert.deepEqual(memory(both, 511 * MiB), { hugePages: 2 * MiB, cells: [{ size: 512 * MiB, vcpus: [0] }] });
  assert.throws(() => memory(pages([2 * MiB, 100]), GiB), {
    code: 'E_HUGE_PAGES',
    message: 'Cannot use hugepages=true on node "n1": the VM needs 512 free huge pages of 2M, and 100 are free',
  });
  assert.throws(() => memory(aNode(), GiB), /and none are free/);
});

test('planPlacement() places VMs as a file says', () => {
  const cpus = [
    { vm: 1, vcpu: 0, cpu: 5 },
    { vm: 1, vcpu: 1, cpu: 1 },
  ];
  const pinning = { file: 'pins', cpus };
  const [placed] = place(someVms(1, 2), aNode({ packages: 2, cores: 4 }), { pinning });
  assert.deepEqual(placed?.pins, { vcpus: [5, 1], others: [0, 2, 3, 4, 6, 7] });
  assert.deepEqual(
    placed?.memory?.cells.map(({ hostNode, vcpus }) => [hostNode, vcpus]),
    [
      [0, [1]],
      [1, [0]],
    ],
  );
  assert.throws(() => place(someVms(1, 2), aNode({ cores: 4 }), { pinning }), {
    message: 'Cannot use vcpu_pinning="pins" on node "n1": it names CPU 5, and it has no such CPU, or that is offline',
  });
});

/** Any node, with any part of it for the job. */
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
