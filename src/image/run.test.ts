import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandFailed, run } from './run.ts';

const deadlineMs = 10_000;

test('run() returns the output and gives the input', async () => {
  const bytes = Buffer.from([0, 255, 10, 13, 0]);
  assert.deepEqual(await run(['cat'], { stdin: bytes, capture: true, deadlineMs }), bytes);
});

test('run() tells how a command failed, with its last lines', async () => {
  const failing = run(['sh', '-c', 'echo out; echo err >&2; exit 3'], { deadlineMs });
  await assert.rejects(failing, (error: unknown) => {
    assert.ok(error instanceof CommandFailed);
    assert.equal(error.ending, 'exit code 3');
    assert.deepEqual([...error.tail].sort(), ['err', 'out']);
    return true;
  });
});

test('run() names a program that is not installed', async () => {
  await assert.rejects(run(['vtorque-no-such-program'], { deadlineMs }), { code: 'E_TOOL_MISSING' });
});

test('run() ends a command, with its children, when its time is over', async () => {
  const slow = run(['sh', '-c', 'sleep 100 & sleep 100'], { deadlineMs: 200 });
  await assert.rejects(
    slow,
    (error: unknown) => error instanceof CommandFailed && error.ending === 'no end within 0.2 s',
  );
});

test('run() kills a command that does not listen to TERM', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const stubborn = run(['sh', '-c', "trap '' TERM; echo on; while :; do sleep 1; done"], {
    deadlineMs: 60_000,
    signal: controller.signal,
    onLine: () => controller.abort(reason),
  });
  await assert.rejects(stubborn, reason);
});

test('run() starts nothing when it is aborted already', async () => {
  const reason = new Error('enough');
  await assert.rejects(run(['true'], { deadlineMs, signal: AbortSignal.abort(reason) }), reason);
});
