import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guestLost } from './guest-lost.ts';

const panic = '[    8.270477] Kernel panic - not syncing: sysrq triggered crash';
const powerDown = '[    7.218301] reboot: Power down';

for (const [what, end, console, hint] of [
  ['was killed', { code: null, signal: 'SIGKILL' }, [], /killed QEMU/],
  ['crashed', { code: 0, signal: null }, [panic, '  <TASK>'], /kernel crashed/],
  ['was shut down from inside', { code: 0, signal: null }, [powerDown], /shut down or restarted from inside/],
  ['ended with QEMU', { code: 1, signal: null }, [], /QEMU failed/],
] as const) {
  test(`guestLost() tells of a guest that ${what}`, () => {
    const error = guestLost('vnode1-1', 'script', end, console);
    assert.match(String(error.hint), hint);
    assert.deepEqual([error.code, error.phase, error.details], ['E_GUEST_LOST', 'script', console]);
  });
}
