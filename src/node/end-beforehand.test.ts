import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { endBeforehand } from './end-beforehand.ts';
import { ASK_MARK, JOB_MARK, jobMark, type LeaseKey } from './leases/lease.ts';
import { markedProcesses } from './strays.ts';

const key: LeaseKey = { engine: 'test', cluster: `e${process.pid}`, jobId: '1.head', attempt: '1', node: 'n1' };

/** Something with two machines that says which signal it gets, and ends them then. */
const launcher = `
trap 'echo TERM; kill $first $second' TERM
env "$@" sleep 1000 & first=$!
env "$@" sleep 1000 & second=$!
wait; wait; wait
`;

async function aLauncher(...marks: readonly string[]) {
  const child = spawn('sh', ['-c', launcher, 'sh', ...marks], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = text(child.stdout);
  const machines = async () => (await markedProcesses()).filter(({ parent }) => parent === child.pid);
  while ((await machines()).length < 2) await delay(10);
  return { child, said, ended: once(child, 'exit') };
}

test('a job that has something to do before it ends gets TERM, once, and has gone when this is over', async () => {
  const { said, ended } = await aLauncher(`${JOB_MARK}=${jobMark(key)}`, `${ASK_MARK}=1`);
  await endBeforehand(key);
  await ended;
  assert.equal(await said, 'TERM\n');
});

test('other jobs are left as they are', async () => {
  const { child, said } = await aLauncher(`${JOB_MARK}=${jobMark(key)}`);
  const other = await aLauncher(`${JOB_MARK}=${jobMark({ ...key, jobId: '2.head' })}`, `${ASK_MARK}=1`);
  await endBeforehand(key);
  for (const each of [child, other.child]) {
    assert.equal(each.exitCode, null);
    each.kill();
  }
  // The signal of this test is the only one.
  assert.deepEqual(await Promise.all([said, other.said]), ['TERM\n', 'TERM\n']);
});
