import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { raiseSelect, selectLayout } from './select.ts';

test('a job of one chunk is on one node, with its CPUs and memory', () => {
  assert.deepEqual(selectLayout('1:ncpus=4:mem=2gb', undefined), { nodes: 1, slots: 4, mem: '2gb' });
  assert.deepEqual(selectLayout('ncpus=2:host=n1', 'free'), { nodes: 1, slots: 2, mem: undefined });
  assert.deepEqual(selectLayout('1', undefined), { nodes: 1, slots: 1, mem: undefined });
});

test('several chunks are on as many nodes as place= says', () => {
  const select = '2:ncpus=4:mem=2gb+1:ncpus=2';
  assert.deepEqual(selectLayout(select, 'scatter:excl'), { nodes: 3, slots: 2, mem: '2gb' });
  assert.deepEqual(selectLayout(select, 'pack'), { nodes: 1, slots: 10, mem: undefined });
  assert.equal(selectLayout(select, undefined), undefined);
  assert.equal(selectLayout(select, 'free:excl'), undefined);
});

test('what is no select= is left to qsub', () => {
  for (const text of ['', '0:ncpus=1', '2:ncpus=x', '1:big', '1+']) {
    assert.equal(selectLayout(text, 'scatter'), undefined, text);
  }
});

test('a request is raised with all else as it was, and never lowered', () => {
  assert.equal(raiseSelect('1', 4), '1:ncpus=4');
  assert.equal(raiseSelect('2:ncpus=2:arch=linux+1:ncpus=8', 4), '2:ncpus=4:arch=linux+1:ncpus=8');
  assert.equal(raiseSelect('1:mem=1gb:ncpus=4', 2, '2048mb'), '1:mem=2048mb:ncpus=4');
  assert.equal(raiseSelect('1:ncpus=4', 2, '2048mb'), '1:ncpus=4');
  const chunks = fc.array(
    fc.record({ count: fc.integer({ min: 1, max: 9 }), ncpus: fc.integer({ min: 1, max: 64 }) }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(chunks, fc.integer({ min: 1, max: 64 }), (parts, wanted) => {
      const text = parts.map(({ count, ncpus }) => `${count}:ncpus=${ncpus}`).join('+');
      const before = selectLayout(text, 'scatter');
      const after = selectLayout(raiseSelect(text, wanted), 'scatter');
      assert.equal(after?.nodes, before?.nodes);
      assert.equal(after?.slots, Math.max(wanted, before?.slots ?? 0));
    }),
  );
});
