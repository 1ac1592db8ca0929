import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { canMakeUserNamespace, chooseTransport } from './transport.ts';

test('chooseTransport() takes virtiofs where it can run, and for what is read-only where the kernel can make it so', () => {
  const facts = { virtiofsd: true, userNamespaces: true, kernelRelease: '6.1.0-56-amd64' };
  const both = (changes: Partial<Parameters<typeof chooseTransport>[0]>): string[] => {
    const { transport, readonlyTransport } = chooseTransport({ ...facts, ...changes });
    return [transport, readonlyTransport];
  };
  assert.deepEqual(both({}), ['virtiofs', 'virtiofs']);
  assert.deepEqual(both({ kernelRelease: '5.12.0' }), ['virtiofs', 'virtiofs']);
  assert.deepEqual(both({ kernelRelease: '5.10.0-30-amd64' }), ['virtiofs', '9p']);
  assert.deepEqual(both({ kernelRelease: '4.18.0-553.el8_10' }), ['virtiofs', '9p']);
  assert.deepEqual(both({ virtiofsd: false }), ['9p', '9p']);
  assert.deepEqual(both({ userNamespaces: false }), ['9p', '9p']);
  assert.deepEqual(both({ wanted: '9p' }), ['9p', '9p']);
});

const isRoot = process.getuid?.() === 0;

test('root asks for another user whether he may make a user namespace', { skip: !isRoot && 'not root' }, async () => {
  const args = ['--reuid=65534', '--regid=65534', '--clear-groups', 'unshare', '--user', '--mount', 'true'];
  const { status } = spawnSync('setpriv', args, { timeout: 20_000 });
  assert.equal(await canMakeUserNamespace(65534, 65534), status === 0);
});
