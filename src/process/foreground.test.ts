import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInForeground } from './foreground.ts';

const env = { PATH: '/usr/bin:/bin' };
const shell = (script: string) => ['sh', '-c', script] as const;

test('runInForeground() returns the streams that it is to keep, and the exit code', async () => {
  const keeps = ['stdout', 'stderr'] as const;
  const ended = await runInForeground(shell('cat; pwd; echo err >&2; exit 7'), {
    env,
    input: Buffer.from('in\n'),
    keeps,
  });
  assert.deepEqual(ended, { code: 7, stdout: `in\n${process.cwd()}\n`, stderr: 'err\n' });
});

test('runInForeground() tells a signal as a shell does', async () => {
  assert.equal((await runInForeground(shell('kill -TERM $$'), { env })).code, 143);
});

test('runInForeground() says what the system says of a program that cannot be started', async () => {
  await assert.rejects(runInForeground(['no-such-program'], { env }), { code: 'ENOENT' });
});
