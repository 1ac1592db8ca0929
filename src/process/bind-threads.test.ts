import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { bindThreads } from './bind-threads.ts';
import { spawnBound } from './bound-process.ts';

const env = { PATH: '/usr/bin:/bin' };
const cpusOf = (pid: number, thread: number): string | undefined =>
  /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'))?.[1];

const several = availableParallelism() > 1 ? {} : { skip: 'this machine has one CPU' };

test('bindThreads() binds the threads that are named to their CPUs, and all others', several, async () => {
  const source = "require('node:worker_threads'); console.log('up'); setInterval(() => {}, 1000)";
  const child = await spawnBound({
    ...{ program: process.execPath, args: ['-e', source], env },
    descriptors: ['pipe'],
  });
  try {
    const threads = await waitForThreads(child.pid);
    const [first = 0, second = 0] = threads;
    await bindThreads(child.pid, [{ thread: second, cpus: [1] }], [0]);
    assert.equal(cpusOf(child.pid, first), '0');
    assert.equal(cpusOf(child.pid, second), '1');
    const rest = threads.filter((thread) => thread !== second).map((thread) => cpusOf(child.pid, thread));
    assert.deepEqual(new Set(rest), new Set(['0']));
  } finally {
    await child.kill();
  }
});

test('bindThreads() binds no thread of another process', async () => {
  const child = await spawnBound({ program: 'sleep', args: ['1000'], env, descriptors: [] });
  const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
  await once(worker, 'online');
  try {
    const ours = Number(readdirSync('/proc/self/task').at(-1));
    await assert.rejects(bindThreads(child.pid, [{ thread: ours, cpus: [0] }], [0]), {
      code: 'E_PINNING',
      message: `Cannot pin the threads of process ${child.pid}: thread "${ours}=0": it is none of the process`,
    });
  } finally {
    await worker.terminate();
    await child.kill();
  }
});

test('bindThreads() says so when a CPU cannot be used', async () => {
  const child = await spawnBound({ program: 'sleep', args: ['1000'], env, descriptors: [] });
  try {
    const binding = { thread: child.pid, cpus: [0, 8191] };
    await assert.rejects(bindThreads(child.pid, [binding], [0]), /it may not use all of these CPUs$/);
  } finally {
    await child.kill();
  }
});

/** Node starts its threads one after the other. */
async function waitForThreads(pid: number): Promise<number[]> {
  for (const deadline = Date.now() + 30_000; ; ) {
    const threads = readdirSync(`/proc/${pid}/task`).map(Number);
    if (threads.length > 5) return threads;
    assert.ok(Date.now() < deadline, 'in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
