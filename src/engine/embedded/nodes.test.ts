import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseNodes } from '../../pbs/index.ts';
import { allocate, formatExecHost, formatSlots, occupiedBy, virtualNodes } from './nodes.ts';

const nodes = virtualNodes(3, 4);

test('allocate() takes the first nodes that have the slots, lowest slots first', () => {
  const occupied = occupiedBy([{ node: 'node1', slots: [0, 2] }]);
  assert.equal(formatExecHost(allocate(parseNodes('2:ppn=2'), nodes, occupied) ?? []), 'node1/1,3+node2/0-1');
  assert.equal(formatExecHost(allocate(parseNodes('2:ppn=3'), nodes, occupied) ?? []), 'node2/0-2+node3/0-2');
});

test('allocate() gives a named node to whoever names it, in the order written', () => {
  const allocation = allocate(parseNodes('1:ppn=1+node1:ppn=4'), nodes, new Map());
  assert.equal(formatExecHost(allocation ?? []), 'node2/0+node1/0-3');
});

test('allocate() finds no room for too many nodes, too many slots, unknown nodes, features and graphics cards', () => {
  for (const request of ['4', '1:ppn=5', 'node9', '1:big', '1:gpus=1', 'node1+node1']) {
    assert.equal(allocate(parseNodes(request), nodes, new Map()), undefined, request);
  }
});

test('allocate() never gives a slot twice, and each part its number of nodes', () => {
  const part = fc.record({ count: fc.integer({ min: 1, max: 3 }), ppn: fc.integer({ min: 1, max: 4 }) });
  const taken = fc.array(fc.record({ node: fc.constantFrom('node1', 'node2', 'node3'), slots: fc.array(fc.nat(3)) }));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 2 }), taken, (parts, used) => {
      const request = parts.map(({ count, ppn }) => ({ count, ppn, gpus: 0, properties: [] }));
      const occupied = occupiedBy(used);
      const allocation = allocate(request, nodes, occupied);
      if (allocation === undefined) return;
      assert.equal(
        allocation.length,
        parts.reduce((sum, { count }) => sum + count, 0),
      );
      assert.equal(new Set(allocation.map(({ node }) => node)).size, allocation.length);
      for (const { node, slots } of allocation)
        assert.ok(slots.every((slot) => slot < 4 && !occupied.get(node)?.has(slot)));
    }),
  );
});

test('formatSlots() writes neighbours as ranges', () => {
  assert.equal(formatSlots([0]), '0');
  assert.equal(formatSlots([0, 1, 2, 5, 7, 8]), '0-2,5,7-8');
});
