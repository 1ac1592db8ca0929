import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Batch, type BatchOptions } from './batch.ts';
import type { Job } from './job.ts';
import { virtualNodes } from './nodes.ts';
import { defaultSettings } from './settings.ts';
import { Store } from './store.ts';
import { aJob } from './test-builders.ts';

/** A batch system whose jobs never really start, in memory, with a clock that stands. */
function aBatch(change: Partial<BatchOptions> = {}) {
  const store = new Store(':memory:');
  const started: Job[] = [];
  const completed: number[] = [];
  const clock = { now: 1_000_000 };
  const batch = new Batch({
    store,
    server: 'tqhead',
    nodes: virtualNodes(1, 2),
    keepCompletedMs: 10_000,
    now: () => clock.now,
    boot: 'boot',
    start: (job) => started.push(job),
    queues: defaultSettings.queues,
    account: () => {},
    completed: (sequence) => completed.push(sequence),
    ...change,
  });
  return {
    batch,
    store,
    started,
    completed,
    clock,
    settled: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
}

const anArray = (...indexes: number[]): Job[] => [
  aJob({ sequence: 7, element: 'all', indexes }),
  ...indexes.map((element) => aJob({ sequence: 7, element })),
];

test('a Batch starts what fits when jobs are added and when slots become free', async () => {
  const { batch, started, settled } = aBatch();
  const [a, b, c] = [1, 2, 3].map((sequence) => aJob({ sequence })) as [Job, Job, Job];
  for (const job of [a, b, c]) batch.add([job]);
  await settled();
  assert.deepEqual(started, [a, b]);
  assert.equal(a.state, 'R');
  assert.equal(a.attempt, 1);
  batch.update(a, { state: 'C' });
  await settled();
  assert.deepEqual(started, [a, b, c]);
});

test('a paused Batch starts nothing', async () => {
  const { batch, started, settled } = aBatch();
  batch.pause();
  batch.add([aJob()]);
  await settled();
  assert.deepEqual(started, []);
});

test('an array runs once an element has run, and is complete when all elements are', async () => {
  const { batch, settled } = aBatch();
  const [array, first, second] = anArray(1, 2) as [Job, Job, Job];
  batch.add([array, first, second]);
  assert.equal(array.state, 'Q');
  await settled();
  assert.equal(array.state, 'R');
  batch.update(first, { state: 'C' });
  assert.equal(array.state, 'R');
  batch.update(second, { state: 'C' });
  assert.equal(array.state, 'C');
});

test('whoever watches an array is told of its elements’ changes, until he has had enough', () => {
  const { batch } = aBatch();
  const [array, first] = anArray(1) as [Job, Job];
  batch.pause();
  batch.add([array, first]);
  let told = 0;
  const unwatch = batch.watch(array.id, () => told++);
  batch.update(first, { state: 'H' });
  assert.equal(told, 1);
  assert.equal(array.state, 'H');
  unwatch();
  batch.update(first, { state: 'Q' });
  assert.equal(told, 1);
});

test('complete jobs are forgotten after the time for which they are kept, arrays as a whole', () => {
  const { batch, store, clock } = aBatch();
  const job = aJob({ sequence: 1, state: 'C', endTime: clock.now });
  const [array, first, second] = anArray(1, 2) as [Job, Job, Job];
  batch.pause();
  batch.add([job]);
  batch.add([array, first, second]);
  batch.update(first, { state: 'C', endTime: clock.now });
  clock.now += 10_001;
  batch.purge();
  assert.deepEqual(batch.all(), [array, first, second]);
  batch.update(second, { state: 'C', endTime: clock.now });
  clock.now += 10_001;
  batch.purge();
  assert.deepEqual(batch.all(), []);
  assert.deepEqual(store.load(), []);
});

test('the script of a job is done with when the job is complete, that of an array with its last element', () => {
  const { batch, completed } = aBatch();
  const job = aJob({ sequence: 1 });
  const [array, first, second] = anArray(1, 2) as [Job, Job, Job];
  batch.pause();
  batch.add([job]);
  batch.add([array, first, second]);
  batch.updateAll([job, first], { state: 'C' });
  assert.deepEqual(completed, [1]);
  batch.update(second, { state: 'C' });
  assert.deepEqual(completed, [1, 7]);
});

test('updateAll() changes many elements and their array at once', () => {
  const { batch, store } = aBatch();
  const [array, ...elements] = anArray(1, 2, 3);
  batch.add([array, ...elements] as Job[]);
  let told = 0;
  batch.watch(array?.id ?? '', () => told++);
  batch.updateAll(elements, { state: 'C' });
  assert.deepEqual([told, array?.state], [1, 'C']);
  assert.deepEqual(
    store.load().map(({ state }) => state),
    ['C', 'C', 'C', 'C'],
  );
});
