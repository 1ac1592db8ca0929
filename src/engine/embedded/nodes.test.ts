import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseNodes } from '../../pbs/index.ts';
import { allocate, formatExecHost, occupiedBy, readNodeNames, virtualNodes } from './nodes.ts';

const nodes = virtualNodes(3, 4);

test('allocate() takes the first nodes that have the slots, lowest slots first', () => {
  const occupied = occupiedBy([{ node: 'node1', slots: [0, 2] }]);
  assert.equal(formatExecHost(allocate(parseNodes('2:ppn=2'), nodes, occupied) ?? []), 'node1/1,3+node2/0-1');
  assert.equal(formatExecHost(allocate(parseNodes('2:ppn=3'), nodes, occupied) ?? []), 'node2/0-2+node3/0-2');
});

test('virtual nodes are counted or named', () => {
  assert.deepEqual(virtualNodes(2, 4), [
    { name: 'node1', np: 4 },
    { name: 'node2', np: 4 },
  ]);
  assert.deepEqual(virtualNodes(['n1.cluster.example'], 2), [{ name: 'n1.cluster.example', np: 2 }]);
});

test('readNodeNames() takes a number, or names that a request can have, each once', () => {
  assert.equal(readNodeNames('3'), 3);
  assert.deepEqual(readNodeNames('n1.cluster.example,n2'), ['n1.cluster.example', 'n2']);
  for (const text of ['', '0', '10000', 'n1,', 'n1,n1', '1,2', '-n', 'n1 n2', 'a+b', 'a/b', 'a:b']) {
    assert.equal(readNodeNames(text), undefined, text);
  }
});

test('allocate() gives a node with a domain to whoever names all of it, as Torque does', () => {
  const named = virtualNodes(['n1.cluster.example', 'n2.cluster.example'], 2);
  const allocation = allocate(parseNodes('n2.cluster.example:ppn=2'), named, new Map());
  assert.equal(formatExecHost(allocation ?? []), 'n2.cluster.example/0-1');
  assert.equal(allocate(parseNodes('n2'), named, new Map()), undefined);
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
