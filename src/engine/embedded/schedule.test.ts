import assert from 'node:assert/strict';
import { test } from 'node:test';
import { virtualNodes } from './nodes.ts';
import { schedule } from './schedule.ts';
import { aJob } from './test-builders.ts';

const nodes = virtualNodes(1, 4);
const asking = (sequence: number, slots: number, change = {}) =>
  aJob({ sequence, ...change }, { resources: [['nodes', `1:ppn=${slots}`]] });
const started = (jobs: Parameters<typeof schedule>[0]) => schedule(jobs, nodes).map(({ job }) => job.id);

test('schedule() starts jobs in their order as long as they fit', () => {
  assert.deepEqual(started([asking(1, 2), asking(2, 1), asking(3, 1), asking(4, 1)]), [
    '1.tqhead',
    '2.tqhead',
    '3.tqhead',
  ]);
});

test('schedule() lets no job pass one that does not fit', () => {
  assert.deepEqual(started([asking(1, 3), asking(2, 2), asking(3, 1)]), ['1.tqhead']);
});

test('schedule() passes over held, running and complete jobs, and counts the slots of running ones', () => {
  const running = asking(1, 3, { state: 'R', allocation: [{ node: 'node1', slots: [0, 1, 3] }] });
  const starts = schedule([running, asking(2, 1, { state: 'H' }), asking(3, 4, { state: 'C' }), asking(4, 1)], nodes);
  assert.deepEqual(
    starts.map(({ job, allocation }) => [job.id, allocation]),
    [['4.tqhead', [{ node: 'node1', slots: [2] }]]],
  );
});

test('schedule() keeps an array within its slot limit, and others may pass the elements that wait', () => {
  const element = (i: number) => aJob({ sequence: 1, element: i });
  const array = aJob({ sequence: 1, element: 'all', indexes: [1, 2, 3], slotLimit: 2 });
  assert.deepEqual(started([array, element(1), element(2), element(3), aJob({ sequence: 2 })]), [
    '1[1].tqhead',
    '1[2].tqhead',
    '2.tqhead',
  ]);
});

test('schedule() fills an array up to its slot limit again when an element has ended', () => {
  const element = (i: number, change = {}) => aJob({ sequence: 1, element: i, ...change });
  const array = aJob({ sequence: 1, element: 'all', indexes: [1, 2, 3, 4], slotLimit: 2, state: 'R' });
  const running = element(2, { state: 'R', allocation: [{ node: 'node1', slots: [0] }] });
  assert.deepEqual(started([array, element(1, { state: 'C' }), running, element(3), element(4)]), ['1[3].tqhead']);
});
