import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Cancelled, JobSignals } from './signals.ts';

/** Send this process a signal and wait until it has come. */
async function raise(signal: NodeJS.Signals): Promise<void> {
  const arrived = once(process, signal);
  process.kill(process.pid, signal);
  await arrived;
}

test('JobSignals cancels a job whose script does not run yet', async () => {
  using signals = new JobSignals();
  await raise('SIGTERM');
  assert.ok(signals.cancelled.reason instanceof Cancelled);
  assert.equal(signals.cancelled.reason.exitCode, 143);
});

test('JobSignals forwards to the script, also what came early', async () => {
  using signals = new JobSignals();
  await raise('SIGUSR1');
  const delivered: string[] = [];
  signals.forwardTo((signal) => delivered.push(signal));
  await raise('SIGTERM');
  assert.deepEqual(delivered, ['SIGUSR1', 'SIGTERM']);
  assert.equal(signals.cancelled.aborted, false);
});

test('JobSignals lets every TERM wait for what precedes the first, and nothing else', async () => {
  using signals = new JobSignals();
  const delivered: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  let calls = 0;
  signals.precedeTermBy(() => {
    calls++;
    return promise;
  });
  signals.forwardTo((signal) => delivered.push(signal));
  await raise('SIGTERM');
  await raise('SIGUSR1');
  await raise('SIGTERM');
  assert.deepEqual(delivered, ['SIGUSR1']);
  resolve();
  await promise;
  await new Promise(setImmediate);
  await raise('SIGTERM');
  assert.deepEqual([delivered, calls], [['SIGUSR1', 'SIGTERM', 'SIGTERM', 'SIGTERM'], 1]);
});
