import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { cpuClaims } from './cpu-claims.ts';

const own = (what: string) => (cpu: number) => `vtorque-test/${process.pid}/${what}/${cpu}`;

test('a CPU is claimed by one at a time, and told to whoever comes second', async () => {
  await using first = cpuClaims(own('a'));
  await using second = cpuClaims(own('a'));
  assert.deepEqual(await first.claim([1, 2]), []);
  assert.deepEqual(await second.claim([2, 3, 1]), [1, 2]);
  assert.deepEqual(await first.claim([3]), []);
});

test('CPUs are free again when their holder lets go', async () => {
  {
    await using first = cpuClaims(own('b'));
    assert.deepEqual(await first.claim([1]), []);
  }
  await using second = cpuClaims(own('b'));
  assert.deepEqual(await second.claim([1]), []);
});

test('CPUs are free again when their holder is killed', async () => {
  const script = `const { cpuClaims } = await import('${import.meta.resolve('./cpu-claims.ts')}');
    await cpuClaims((cpu) => '${own('c')(0)}').claim([0]); console.log('held'); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  await using claims = cpuClaims(own('c'));
  assert.deepEqual(await claims.claim([0]), [0]);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  assert.deepEqual(await claims.claim([0]), []);
});
