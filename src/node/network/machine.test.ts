import assert from 'node:assert/strict';
import { test } from 'node:test';
import { droppingChains } from './machine.ts';

test('only what drops forwarded packets by itself is named', () => {
  const chain = (changes: object) => ({
    chain: { family: 'ip', table: 'filter', name: 'FORWARD', hook: 'forward', policy: 'drop', ...changes },
  });
  const all = [
    { metainfo: { version: '1.0.6' } },
    ...[chain({}), chain({ policy: 'accept' }), chain({ hook: 'input' }), chain({ family: 'bridge' })],
    { chain: { family: 'ip', table: 'filter', name: 'site' } },
  ];
  assert.deepEqual(droppingChains(JSON.stringify({ nftables: all })), ['ip filter FORWARD']);
});
