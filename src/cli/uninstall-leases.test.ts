import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Lease } from '../node/leases/lease.ts';
import { LeaseStore } from '../node/leases/store.ts';
import { removeLeases } from './uninstall-leases.ts';

const work = mkdtempSync(join(tmpdir(), 'vtorque-leases-'));
after(() => rmSync(work, { recursive: true }));
const uid = process.getuid?.() ?? 0;

function aLease(jobId: string, state: Lease['state']): Lease {
  const key = { engine: 'torque' as const, cluster: '', jobId, attempt: undefined, node: 'n1' };
  return { key, state, owner: { name: 'ann', uid: 1000, gid: 1000 }, at: 1 };
}

test('leases go when all their jobs are over, and stay as long as one is not', async () => {
  const directory = join(work, 'leases');
  assert.deepEqual(await removeLeases(directory, uid, false), []);
  const store = await LeaseStore.open(directory, uid);
  await store.write(aLease('1.head', 'released'));
  await store.write(aLease('2[1].head', 'prepared'));
  const kept = [{ action: 'keep', path: directory, why: 'not released: 2[1].head' }];
  assert.deepEqual(await removeLeases(directory, uid, false), kept);
  await store.write(aLease('2[1].head', 'released'));
  const gone = [{ action: 'remove', path: directory }];
  assert.deepEqual(await removeLeases(directory, uid, true), gone);
  assert.ok(existsSync(directory));
  assert.deepEqual(await removeLeases(directory, uid, false), gone);
  assert.equal(existsSync(directory), false);
});
