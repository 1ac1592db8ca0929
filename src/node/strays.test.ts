import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { JOB_MARK, jobMark, type LeaseKey } from './leases/lease.ts';
import { killIfSame, type MarkedProcess, markedProcesses } from './strays.ts';

const key: LeaseKey = { engine: 'test', cluster: `s${process.pid}`, jobId: '1.head', attempt: '1', node: 'n1' };

/** A process with the job's mark, as the reaper sees it, and its end. */
async function aStray(): Promise<{ seen: MarkedProcess; ended: Promise<unknown[]> }> {
  const env = { PATH: '/usr/bin:/bin', [JOB_MARK]: jobMark(key) };
  const child = spawn('sleep', ['1000'], { env, stdio: 'ignore' });
  await once(child, 'spawn');
  const seen = (await markedProcesses()).find(({ pid }) => pid === child.pid);
  assert.ok(seen);
  return { seen, ended: once(child, 'exit') };
}

test('a process that was seen is killed', async () => {
  const { seen, ended } = await aStray();
  await killIfSame(seen);
  assert.deepEqual(await ended, [null, 'SIGKILL']);
});

test('a process that has got the number of one that was seen is not that one, and is not killed', async () => {
  const { seen, ended } = await aStray();
  await killIfSame({ ...seen, born: String(Number(seen.born) - 1) });
  const again = (await markedProcesses()).find(({ pid }) => pid === seen.pid);
  assert.deepEqual(again, seen);
  await killIfSame(seen);
  await ended;
});

test('a number that has become that of a process without a mark is left alone', async () => {
  const { seen, ended } = await aStray();
  // This one is none of a job, and its number is known.
  await killIfSame({ ...seen, pid: process.pid });
  await killIfSame(seen);
  await ended;
});

test('all processes are looked at, also by one that may open few files', async () => {
  const count = 100;
  const env = { PATH: '/usr/bin:/bin', [JOB_MARK]: jobMark(key) };
  const children = Array.from({ length: count }, () => spawn('sleep', ['1000'], { env, stdio: 'ignore' }));
  await Promise.all(children.map((child) => once(child, 'spawn')));
  const program = `const { markedProcesses } = await import('${import.meta.resolve('./strays.ts')}');
    console.log((await markedProcesses()).filter(({ key }) => key.cluster === '${key.cluster}').length);`;
  const words = ['--nofile=80', process.execPath, '--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)('prlimit', words, { timeout: 60_000 });
  const ends = children.map((child) => once(child, 'exit'));
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(ends);
  assert.equal(stdout, `${count}\n`);
});
