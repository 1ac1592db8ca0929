import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from './run.ts';

const withinMs = 10_000;

test("run() gives a tool this machine's own way to its package servers, and nothing else of our environment", async (t) => {
  process.env.https_proxy = 'proxy.example';
  t.after(() => delete process.env.https_proxy);
  const output = (await run(['env'], { withinMs, env: { TMPDIR: '/x' } })).toString();
  const names = [...output.matchAll(/^\w+/gm)].map(([name]) => name);
  assert.deepEqual(names.filter((name) => !/proxy$/i.test(name)).sort(), ['HOME', 'LC_ALL', 'PATH', 'TMPDIR']);
  assert.ok(names.includes('https_proxy'));
});

test('run() names a program that is not installed, also one that another should start', async () => {
  const missing = (name: string) => ({ code: 'E_TOOL_MISSING', message: `Cannot run "${name}": it is not installed` });
  await assert.rejects(run(['no-such-tool'], { withinMs }), missing('no-such-tool'));
  await assert.rejects(run(['prlimit', '--cpu=9', '--', 'no-such-tool', 'x'], { withinMs }), missing('no-such-tool'));
});
