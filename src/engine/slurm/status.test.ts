import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readExitStatus, readStatusLine, statusOf } from './status.ts';

const line = (...fields: string[]): string => fields.join('\u001f');
const job = (id: string, number: string, array: string, state: string, reason = 'None', nodes = '') =>
  readStatusLine(line(id, number, array, state, reason, 'u', 'batch', nodes, 'run-1')) ?? assert.fail();

test('a job has nodes while it runs, not when it waits or is over', () => {
  assert.deepEqual(job('7', '7', '7', 'RUNNING', 'None', 'n[1-2]').status, {
    ...{ id: '7', name: 'run-1', owner: 'u', queue: 'batch', state: 'running', nodes: ['n1', 'n2'] },
  });
  assert.deepEqual(job('7', '7', '7', 'COMPLETED', 'None', 'n1').status.nodes, []);
});

test('what waits for somebody or for another job is held, what waits for a time is queued', () => {
  const stateOf = (state: string, reason: string): string => job('7', '7', '7', state, reason).status.state;
  for (const reason of ['JobHeldUser', 'JobHeldAdmin', 'Dependency', 'launch_failed_requeued_held']) {
    assert.equal(stateOf('PENDING', reason), 'held', reason);
  }
  for (const reason of ['Resources', 'Priority', 'BeginTime', 'None']) {
    assert.equal(stateOf('PENDING', reason), 'queued', reason);
  }
  assert.equal(stateOf('REQUEUE_HOLD', 'None'), 'held');
  assert.equal(stateOf('SPECIAL_EXIT', 'None'), 'held');
});

test('an array is as far as the element that is least far, and an element is known by its number, too', () => {
  const jobs = [
    job('7_1', '8', '7', 'COMPLETED'),
    job('7_2', '9', '7', 'RUNNING', 'None', 'n1'),
    job('7_3', '7', '7', 'PENDING', 'Resources'),
  ];
  const array = statusOf('7', jobs);
  assert.deepEqual([array?.id, array?.name, array?.state, array?.nodes], ['7', 'run-1', 'running', ['n1']]);
  assert.equal(statusOf('9', jobs)?.id, '7_2');
  assert.equal(statusOf('7_3', jobs)?.state, 'queued');
  assert.equal(statusOf('10', jobs), undefined);
});

test('a failure of the batch system is never the exit status 0', () => {
  const exitStatus = (state: string, code: string): number | undefined =>
    readExitStatus(`JobId=7 JobState=${state} Reason=None ExitCode=${code} RunTime=00:00:01`);
  assert.equal(exitStatus('COMPLETED', '0:0'), 0);
  assert.equal(exitStatus('FAILED', '3:0'), 3);
  assert.equal(exitStatus('FAILED', '0:9'), 256 + 9);
  assert.equal(exitStatus('CANCELLED', '0:0'), 256 + 15);
  assert.equal(exitStatus('CANCELLED', '9:0'), 9);
  assert.equal(exitStatus('TIMEOUT', '0:0'), -11);
  assert.equal(exitStatus('NODE_FAIL', '143:0'), -2);
  assert.equal(exitStatus('OUT_OF_MEMORY', '0:0'), -2);
  assert.equal(exitStatus('RUNNING', '0:0'), undefined);
});
