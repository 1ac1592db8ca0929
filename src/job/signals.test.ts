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
