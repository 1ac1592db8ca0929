import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { onProcessLeft, orLeft } from './left.ts';

/** A child that does not end: as if a kill had no effect. */
async function aStuckChild() {
  const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return { child, ended, [Symbol.asyncDispose]: end };
}

test('a child that does not end is left in time, whoever listens is told which one, and its streams are closed', async () => {
  await using stuck = await aStuckChild();
  const told: string[] = [];
  {
    using _ = onProcessLeft((text) => told.push(text));
    assert.equal(await orLeft(stuck.child, 'sleep', stuck.ended, 50), undefined);
  }
  await orLeft(stuck.child, 'sleep', stuck.ended, 50);
  assert.equal(told.length, 1);
  assert.match(
    told[0] ?? '',
    new RegExp(`^process ${stuck.child.pid} of .* \\(sleep\\) is left: it has not ended within 0.05 s of being killed`),
  );
  assert.equal(stuck.child.stderr.destroyed, true);
});

test('a child that ends is told by how it ended, and nobody hears of it', async () => {
  await using stuck = await aStuckChild();
  using _ = onProcessLeft(() => assert.fail('told'));
  stuck.child.kill('SIGKILL');
  assert.deepEqual(await orLeft(stuck.child, 'sleep', stuck.ended, 60_000), [null, 'SIGKILL']);
});

test('this process can end although a child is left', async () => {
  const script = `const { spawn } = await import('node:child_process');
    const { orLeft } = await import(${JSON.stringify(import.meta.resolve('./left.ts'))});
    const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    process.once('exit', () => child.kill('SIGKILL'));
    await orLeft(child, 'sleep', new Promise((resolve) => child.once('exit', resolve)), 10);`;
  const ends = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  assert.deepEqual(await once(ends, 'exit', { signal: AbortSignal.timeout(30_000) }), [0, null]);
});
