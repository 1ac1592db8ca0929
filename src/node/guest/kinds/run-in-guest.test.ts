import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { GuestAgent, ProcessEnd } from '../../../guest/linux/index.ts';
import { KILL_MS, runInGuest } from './run-in-guest.ts';

/** A guest with one program, which ends when it is told to. */
function aGuest(exit: Promise<ProcessEnd>, onSignal: () => void = () => {}): GuestAgent {
  const [stdout, stderr] = [new PassThrough().end('first\n'), new PassThrough().end('second\n')];
  return { exec: () => ({ stdout, stderr, exit, signal: onSignal }) } as unknown as GuestAgent;
}

test('runInGuest() tells how a program ended, and what it printed', async () => {
  const { ended, output } = await runInGuest(aGuest(Promise.resolve({ code: 3 })), ['x'], 1000);
  assert.deepEqual([ended, output], ['exit code 3', ['first', 'second']]);
});

test('runInGuest() kills what does not end in time', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const end = Promise.withResolvers<ProcessEnd>();
  const run = runInGuest(
    aGuest(end.promise, () => end.resolve({ signal: 9 })),
    ['x'],
    60_000,
  );
  t.mock.timers.tick(60_000);
  assert.equal((await run).ended, 'no end within 60 s');
});

test('runInGuest() does not wait for a program that even the kill does not end', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const run = runInGuest(aGuest(new Promise(() => {})), ['ls', '/opt'], 60_000);
  t.mock.timers.tick(60_000 + KILL_MS);
  await assert.rejects(run, { code: 'E_GUEST_STUCK', message: /^Cannot end "ls" in the guest: / });
});
