import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { hookBegan } from './since.ts';

test('a hook began when the shell began that runs it behind that of the site', () => {
  const module = JSON.stringify(join(import.meta.dirname, 'since.ts'));
  const script = `const { hookBegan } = await import(${module}); console.log(hookBegan({}) - hookBegan(process.env))`;
  const shell = 'sleep 0.3; VTORQUE_HOOK=$$ "$0" --disable-warning=ExperimentalWarning --input-type=module -e "$1"';
  const { stdout, stderr } = spawnSync('sh', ['-c', shell, process.execPath, script], { encoding: 'utf8' });
  assert.ok(Number(stdout) >= 250, stdout + stderr);
});

test('a hook without such a shell, or whose shell is gone, began with its own process', () => {
  for (const VTORQUE_HOOK of [undefined, 'self', '999999999']) {
    assert.ok(Math.abs(hookBegan({ VTORQUE_HOOK }) - (Date.now() - process.uptime() * 1000)) < 1000);
  }
});
