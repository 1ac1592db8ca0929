import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { isAlive, ownIdentity } from './identity.ts';

test('a process is there as long as it is the same one', async () => {
  const own = ownIdentity();
  assert.equal(own.pid, process.pid);
  assert.equal(isAlive(own), true);
  assert.equal(isAlive({ ...own, born: '1' }), false);
  const child = spawn('true');
  await once(child, 'exit');
  assert.equal(isAlive({ ...own, pid: child.pid ?? 0 }), false);
});

test('a process of another machine, or of another container, cannot be seen; one of before the last boot has ended', () => {
  const own = ownIdentity();
  assert.equal(isAlive({ ...own, host: 'elsewhere' }), undefined);
  assert.equal(isAlive({ ...own, namespace: 'pid:[1]' }), undefined);
  assert.equal(isAlive({ ...own, boot: 'before' }), false);
});
