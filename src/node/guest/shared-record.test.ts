import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedRecord } from './shared-record.ts';

test('the VMs of a node tell their steps once, and every fact that holds for one of them alone', () => {
  const written: string[] = [];
  const recordOf = sharedRecord((event, value = '') => written.push(`${event} ${value}`.trim()));
  const [first, second] = [recordOf(true), recordOf(false)];
  for (const record of [second, first]) {
    record('vm-start');
    record('fact', 'shares 9p');
  }
  first('fact', 'warm start: template 1');
  second('fact', 'cold boot: QEMU of "v2" was killed');
  second('guest');
  assert.deepEqual(written, [
    'fact shares 9p',
    'vm-start',
    'fact warm start: template 1',
    'fact cold boot: QEMU of "v2" was killed',
  ]);
});
