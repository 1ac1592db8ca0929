import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('a hook began when the shell began that became it', () => {
  const module = join(import.meta.dirname, 'since.ts');
  const script = `const { hookBegan } = await import(${JSON.stringify(module)}); console.log(Date.now() - hookBegan() - process.uptime() * 1000)`;
  const shell = 'sleep 0.3; exec "$0" --disable-warning=ExperimentalWarning --input-type=module -e "$1"';
  const { stdout, stderr } = spawnSync('sh', ['-c', shell, process.execPath, script], { encoding: 'utf8' });
  assert.ok(Number(stdout) >= 250, stdout + stderr);
});
