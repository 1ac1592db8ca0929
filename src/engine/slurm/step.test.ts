import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VtorqueError } from '../../base/index.ts';
import { readFailure, startStep } from './step.ts';

test('what srun says of a task that has failed has the node in it', () => {
  assert.deepEqual(readFailure('n2: task 1: Exited with exit code 7'), { node: 'n2', why: 'Exited with exit code 7' });
  assert.deepEqual(readFailure('n[2-3]: tasks 1-2: Killed'), { node: 'n2', why: 'Killed' });
  assert.deepEqual(readFailure('Node failure on n3'), { node: 'n3', why: 'the node is down' });
});

test('what else srun says is no failure of a task', () => {
  assert.equal(readFailure('Job 7 step creation temporarily disabled, retrying (Requested nodes are busy)'), undefined);
  assert.equal(readFailure('*** STEP 33.0 ON n2 CANCELLED AT 2026-11-25T21:52:14 ***'), undefined);
});

test('without srun no node can be started', async () => {
  await assert.rejects(
    startStep(['true'], { PATH: '/nonexistent' }),
    (error) => error instanceof VtorqueError && error.code === 'E_NODE_START',
  );
});
