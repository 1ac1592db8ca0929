import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VtorqueError } from '../../base/index.ts';
import { pinningOf } from './pinning.ts';

const refusal = new VtorqueError('E_PINNING', 'Cannot pin the threads of process 7: no');
/** No process has this number. */
const nobody = 2 ** 22 + 1;

test('who has asked for pinning gets an error where it fails', async () => {
  const told: string[] = [];
  const placement = { pins: { vcpus: [0], others: [1] } };
  const { onNotPinned, bindServer } = pinningOf(placement, { asked: true, tell: (fact) => told.push(fact) });
  assert.throws(() => onNotPinned(refusal), refusal);
  await assert.rejects(bindServer(nobody), { code: 'E_PINNING' });
  assert.deepEqual(told, []);
});

test('who has not asked is told in the record, and mistakes of ours are errors all the same', async () => {
  const told: string[] = [];
  const placement = { pins: { vcpus: [0], others: [1] } };
  const { onNotPinned, bindServer } = pinningOf(placement, { asked: false, tell: (fact) => told.push(fact) });
  onNotPinned(refusal);
  assert.deepEqual(told, ['not pinned after all: Cannot pin the threads of process 7: no']);
  assert.throws(() => onNotPinned(new Error('a mistake')), /a mistake/);
  await bindServer(nobody);
  assert.equal(told.length, 2);
});

test('a server is bound only where there is a CPU beside the virtual ones', async () => {
  for (const placement of [undefined, {}, { pins: { vcpus: [0, 1], others: [0, 1] } }]) {
    await pinningOf(placement, { asked: true, tell: () => {} }).bindServer(nobody);
  }
});
