import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { LeaseStore } from '../../node/leases/store.ts';
import { serveHook } from './serve.ts';

test('a hook that takes too long ends by itself, says so, and leaves its job to the reaper', async (t) => {
  const { uid, gid, username: name } = userInfo();
  const instance = await mkdtemp(join(tmpdir(), 'vtt-hook-'));
  const store = await LeaseStore.open(join(instance, 'leases'), uid);
  const key = { engine: 'embedded', cluster: instance, jobId: '1.head', attempt: '1', node: 'n1' };
  await store.write({ key, state: 'prepared', owner: { name, uid, gid }, at: 0 });
  // The reaper is not due.
  assert.ok(await store.isDue('reap', 60_000, Date.now()));
  const said: string[] = [];
  const write = t.mock.method(process.stderr, 'write', (text: string) => said.push(text) > 0);
  const words = ['1.head', name, 'group', 'name', '4711', 'nodes=1', 'walltime=00:00:01', 'batch', '', '0', '/script'];
  const env = { VTORQUE_LOCAL: instance, VTORQUE_HOSTS: 'n1', VTORQUE_ATTEMPT: '1', PBS_NODENUM: '0' };
  const [locked, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const others = store.whileLocked(key, () => {
    locked.resolve();
    return late.promise;
  });
  try {
    await locked.promise;
    await serveHook('embedded', 'epilogue', words, { since: Date.now(), env, withinMs: 300 });
    write.mock.restore();
    assert.deepEqual(said, [
      'vtorque hook embedded epilogue: Cannot finish within 0.3 s: the rest is left to the reaper\n',
    ]);
    assert.equal((await store.read(key))?.state, 'prepared');
  } finally {
    write.mock.restore();
    late.resolve();
    await others;
  }
  // What was left behind goes on here, in the same process; a hook's own ends with it.
  const patience = AbortSignal.timeout(60_000);
  while ((await store.read(key))?.state !== 'released') await delay(20, undefined, { signal: patience });
  await store.whileLocked(key, async () => {});
  await rm(instance, { recursive: true });
});
