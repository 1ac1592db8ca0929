import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB, MiB } from '../base/index.ts';
import type { NodeFacts } from './node-facts.ts';
import { aNode, cpusOf, place, someVms } from './test-nodes.ts';

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
