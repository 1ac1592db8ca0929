import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { run, runTool, ToolFailed } from './run.ts';
import { isRunning, until } from './testing.ts';

const shell = (script: string) => ['sh', '-c', script] as const;

test('run() gives the input and returns the output, byte for byte', async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 0]);
  const { code, stdout, ending } = await run(['cat'], { input: bytes });
  assert.deepEqual([code, stdout, ending], [0, bytes, 'exit code 0']);
});

test('run() tells of a failure as of a success: how it ended, and its last lines', async () => {
  const failed = await run(shell('echo out; for i in $(seq 30); do echo line $i >&2; done; exit 3'));
  assert.deepEqual([failed.code, failed.ending, failed.stopped, failed.missing], [3, 'exit code 3', false, false]);
  assert.deepEqual([failed.stdout.toString(), failed.said.length, failed.said.at(-1)], ['out\n', 20, 'line 30']);
  assert.deepEqual((await run(shell('echo out; exit 1'))).said, ['out']);
  assert.equal((await run(shell('kill -KILL $$'))).ending, 'signal SIGKILL');
});

test('run() tells a program that is not there from one that ends with 127', async () => {
  assert.equal((await run(['no-such-program'])).missing, true);
  assert.equal((await run(shell('no-such-program'))).missing, false);
});

test('run() gives a program only the environment that it is told', async () => {
  assert.equal((await run(['/usr/bin/env'])).stdout.toString().includes('HOME='), false);
  assert.equal((await run(['/usr/bin/env'], { env: { A: '1', B: undefined } })).stdout.toString(), 'A=1\n');
});

test('run() kills a program with all that it has started when its time is over', async () => {
  const late = await run(shell('sleep 1234.5 & echo $!; wait'), { withinMs: 200 });
  assert.deepEqual([late.code, late.stopped, late.ending], [null, true, 'no end within 0.2 s']);
  await until(() => !isRunning(Number(late.stdout)));
});

test('run() does not wait for who has left the session with its output', async () => {
  const { stdout } = await run(shell('setsid sleep 1234.5 & echo $!; wait'), { withinMs: 200 });
  process.kill(Number(stdout), 'SIGKILL');
});

test('run() lets a program with time to clear up do so, and then kills it', async () => {
  const tidy = await run(shell("trap 'echo tidied; exit 0' TERM; sleep 1234.5 & wait"), {
    withinMs: 300,
    graceMs: 60_000,
  });
  assert.deepEqual([tidy.stdout.toString(), tidy.code, tidy.stopped], ['tidied\n', null, true]);
  const stubborn = await run(shell("trap '' TERM; while :; do sleep 0.1; done"), { withinMs: 300, graceMs: 200 });
  assert.equal(stubborn.ending, 'no end within 0.3 s');
});

test('run() kills a program that says without end', async () => {
  assert.equal((await run(['cat', '/dev/zero'], { withinMs: 60_000 })).ending, 'more than 256 MB of output');
});

test('run() ends a program when it is not wanted any more, and starts none then', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const running = run(shell('echo on; sleep 1234.5'), {
    ...{ signal: controller.signal, withinMs: 60_000, onLine: () => controller.abort(reason) },
  });
  await assert.rejects(running, reason);
  await assert.rejects(run(['true'], { signal: AbortSignal.abort(reason) }), reason);
});

test('run() tells each line as it comes, also of what is written over itself', async () => {
  const lines: string[] = [];
  await run(shell("printf '1 %%\\r2 %%\\r'; echo done; echo err >&2"), { onLine: (line) => lines.push(line) });
  assert.deepEqual(lines.sort(), ['1 %', '2 %', 'done', 'err']);
});

test('only a program with time to clear up hears what a batch system sends to all processes of a job', () => {
  const module = JSON.stringify(`${import.meta.dirname}/run.ts`);
  const script = `const { run } = await import(${module});
    const blocked = async (options) => /SigBlk:\\s*(\\w+)/.exec((await run(['cat', '/proc/self/status'], options)).stdout)[1];
    console.log(await blocked({}), await blocked({ graceMs: 1 }));`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
  const [shielded = '', open = ''] = stdout.trim().split(' ');
  const term = 1n << 14n;
  assert.deepEqual([BigInt(`0x${shielded}`) & term, BigInt(`0x${open}`)], [term, 0n]);
});

test('a tool that fails, is missing or is late is told so in its own words', async () => {
  assert.equal(await runTool(['cat'], { input: 'x' }), 'x');
  await assert.rejects(runTool(shell('echo first >&2; echo second >&2; exit 3')), (error: unknown) => {
    assert.ok(error instanceof ToolFailed);
    assert.deepEqual([error.code, error.message, error.details], ['E_TOOL', 'Cannot run "sh": first', ['second']]);
    return true;
  });
  await assert.rejects(runTool(shell('exit 3')), /"sh": it ended with exit code 3$/);
  await assert.rejects(runTool(['nft-of-nobody']), {
    ...{ code: 'E_TOOL_MISSING', message: 'Cannot run "nft-of-nobody": it is not installed' },
  });
  await assert.rejects(runTool(shell('sleep 60 & wait'), { withinMs: 50 }), /"sh": no end within 0.05 s$/);
});
