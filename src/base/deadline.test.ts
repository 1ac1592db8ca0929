import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { within } from './deadline.ts';

const late = () => new Error('too late');

test('within() gives what the promise gives', async () => {
  assert.equal(await within(Promise.resolve(7), { ms: 10_000, late }), 7);
});

test('within() says what is late when the time is over', async () => {
  await assert.rejects(within(new Promise(() => {}), { ms: 1, late }), /too late/);
});

test('within() throws the reason of a signal that is aborted before, and the later failure of the promise harms nobody', async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  // Derived, so that only within() can have a handler on it.
  const work = Promise.race([promise]);
  const signal = AbortSignal.abort(new Error('cancelled'));
  await assert.rejects(within(work, { ms: 10_000, late, signal }), /cancelled/);
  const unhandled = once(process, 'unhandledRejection').then(() => true);
  reject(new Error('the machine ended'));
  const turn = new Promise((resolve) => setImmediate(() => resolve(false)));
  assert.equal(await Promise.race([unhandled, turn]), false);
});
