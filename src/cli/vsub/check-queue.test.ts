import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkQueue } from './check-queue.ts';

const queues = async () => ['batch', 'long'];

test('a queue that the batch system does not have is refused, with the one that was meant', async () => {
  await assert.rejects(checkQueue('btach', queues), {
    code: 'E_QUEUE_UNKNOWN',
    exitCode: 1,
    message: 'Cannot use queue "btach": there is no such queue',
    hint: 'Did you mean "batch"? Queues here: batch, long',
  });
  await assert.rejects(checkQueue('gpu', queues), { hint: 'Queues here: batch, long' });
});

test('a queue that is there is taken, and so is every one where the batch system does not tell', async () => {
  await checkQueue('long', queues);
  await checkQueue('gpu', async () => undefined);
});

test('without a queue, or with one of another server, the batch system is not asked', async () => {
  const notAsked = (): never => assert.fail('it was asked');
  await checkQueue(undefined, notAsked);
  await checkQueue('gpu@other', notAsked);
  await checkQueue('@other', notAsked);
});
