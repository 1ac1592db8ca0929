import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { canMakeUserNamespace } from './transport.ts';

const isRoot = process.getuid?.() === 0;

test('root asks for another user whether he may make a user namespace', { skip: !isRoot && 'not root' }, async () => {
  const args = ['--reuid=65534', '--regid=65534', '--clear-groups', 'unshare', '--user', '--mount', 'true'];
  const { status } = spawnSync('setpriv', args, { timeout: 20_000 });
  assert.equal(await canMakeUserNamespace(65534, 65534), status === 0);
});
