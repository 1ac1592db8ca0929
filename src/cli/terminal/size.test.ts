import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const told = `import('${import.meta.dirname}/size.ts').then(({ terminalSize }) => console.log(terminalSize() ?? 'unknown'))`;

/** What is known of a terminal once `stty` was called with these words. */
function sizeAfter(stty: string): string {
  const command = `stty ${stty}; exec '${process.execPath}' -e "${told}"`;
  const args = ['--quiet', '--return', '--command', command, '/dev/null'];
  const { status, stdout } = spawnSync('script', args, {
    encoding: 'utf8',
    timeout: 60_000,
    env: { PATH: process.env.PATH, SHELL: '/bin/sh' },
  });
  assert.equal(status, 0, stdout);
  return stdout.trim();
}

test('terminalSize() is that of the terminal, if it has one', () => {
  assert.equal(sizeAfter('cols 100 rows 30'), '{ columns: 100, rows: 30 }');
  assert.equal(sizeAfter('cols 0 rows 0'), 'unknown');
});
