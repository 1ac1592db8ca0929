import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { onProcessLeft, orLeft } from './left.ts';
import { start } from './start.ts';

/** A child that does not end: as if a kill had no effect. */
async function aStuckChild() {
  const child = start(['sleep', '1000'], { tie: 'free', env: process.env, stdio: ['ignore', 'ignore', 'pipe'] });
  await child.begun;
  const end = async (): Promise<void> => {
    child.signal('SIGKILL');
    await child.ended;
  };
  return { child, [Symbol.asyncDispose]: end };
}

test('a child that does not end is left in time, whoever listens is told which one, and its streams are closed', async () => {
  await using stuck = await aStuckChild();
  const told: string[] = [];
  {
    using _ = onProcessLeft((text) => told.push(text));
    assert.deepEqual(await orLeft(stuck.child, 'sleep', 50), { code: null, signal: null, left: true });
  }
  await orLeft(stuck.child, 'sleep', 50);
  assert.equal(told.length, 1);
  assert.match(
    told[0] ?? '',
    new RegExp(`^process ${stuck.child.pid} of .* \\(sleep\\) is left: it has not ended within 0.05 s of being killed`),
  );
  assert.equal(stuck.child.pipe(2).destroyed, true);
});

test('a child that ends is told by how it ended, and nobody hears of it', async () => {
  await using stuck = await aStuckChild();
  using _ = onProcessLeft(() => assert.fail('told'));
  stuck.child.signal('SIGKILL');
  assert.deepEqual(await orLeft(stuck.child, 'sleep', 60_000), { code: null, signal: 'SIGKILL' });
});

test('this process can end although a child is left', async () => {
  const script = `const { start } = await import(${JSON.stringify(import.meta.resolve('./start.ts'))});
    const { orLeft } = await import(${JSON.stringify(import.meta.resolve('./left.ts'))});
    const child = start(['sleep', '1000'], { tie: 'free', env: process.env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    process.once('exit', () => child.signal('SIGKILL'));
    await orLeft(child, 'sleep', 10);`;
  const ends = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  assert.deepEqual(await once(ends, 'exit', { signal: AbortSignal.timeout(30_000) }), [0, null]);
});
