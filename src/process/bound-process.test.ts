import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { describeEnd, spawnBound } from './bound-process.ts';
import { boundProgram } from './native/build.ts';
import { isRunning, until } from './testing.ts';

const env = { PATH: '/usr/bin:/bin' };
const shell = (script: string) => spawnBound({ program: 'sh', args: ['-c', script], env, descriptors: [] });

test('spawnBound() tells how a program ended, and what it wrote to its standard error', async () => {
  const child = await shell('echo one >&2; echo two >&2; exit 3');
  assert.deepEqual(await child.ended, { code: 3, signal: null });
  assert.deepEqual(child.stderr.lines, ['one', 'two']);
});

test('spawnBound() gives each descriptor a socket', async () => {
  const child = await spawnBound({ program: 'sh', args: ['-c', 'cat <&3 >&4'], env, descriptors: ['pipe', 'pipe'] });
  const [to, from] = child.sockets;
  assert.ok(to && from);
  to.end('there and back');
  assert.equal(await text(from), 'there and back');
  await child.ended;
});

test('a program that does not exist ends with 127 and says so', async () => {
  const child = await spawnBound({ program: '/no/such', args: [], env, descriptors: [] });
  assert.deepEqual(await child.ended, { code: 127, signal: null });
  assert.deepEqual(child.stderr.lines, ['Cannot start "/no/such": No such file or directory']);
});

test('what a batch system sends to all processes of a job does not reach it, KILL does', async () => {
  const child = await shell('echo up >&2; exec sleep 1000');
  await until(() => child.stderr.lines.length > 0);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const)
    process.kill(child.pid, signal);
  assert.deepEqual(await child.kill(), { code: null, signal: 'SIGKILL' });
});

test('it ends with its parent, also when that is killed', async () => {
  const module = pathToFileURL(`${import.meta.dirname}/bound-process.ts`).href;
  const script = `const { spawnBound } = await import('${module}');
    const child = await spawnBound({ program: 'sleep', args: ['1000'], env: { PATH: '/usr/bin:/bin' }, descriptors: [] });
    console.log(child.pid); setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [line] = await once(parent.stdout, 'data');
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  const pid = Number(String(line));
  await until(() => !isRunning(pid));
});

test('it does not start when its parent has died before', () => {
  const { status, stdout } = spawnSync(boundProgram, ['1', 'echo', 'started']);
  assert.deepEqual([status, stdout.toString()], [1, '']);
});

/** One whose end nobody is told of: a debugger has hold of it, and does not look. To its parent it is as one that is stuck in the kernel. */
const HOLD = `
import ctypes, sys, time
PTRACE_SEIZE = 0x4206
print(ctypes.CDLL(None).ptrace(PTRACE_SEIZE, int(sys.argv[1]), 0, 0), flush=True)
time.sleep(1000)`;

test('a child that does not end when it is killed is left in time', async (t) => {
  const child = await spawnBound({
    ...{ program: 'sleep', args: ['1000'], env, descriptors: ['pipe'], killedWithinMs: 50 },
  });
  const holder = spawn('python3', ['-c', HOLD, String(child.pid)], { stdio: ['ignore', 'pipe', 'ignore'] });
  const over = once(holder, 'exit').catch(() => []);
  const [word] = await Promise.race([once(holder.stdout, 'data'), over]);
  if (String(word).trim() !== '0') {
    holder.kill('SIGKILL');
    await child.kill();
    t.skip('no python3 that may trace processes');
    return;
  }
  const end = await child.kill();
  assert.deepEqual(end, { code: null, signal: null, left: true });
  assert.equal(describeEnd(end), 'not even by SIGKILL');
  holder.kill('SIGKILL');
  await over;
  assert.deepEqual(await child.ended, { code: null, signal: 'SIGKILL' });
});
