import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Lease } from '../node/leases/lease.ts';
import { LeaseStore } from '../node/leases/store.ts';
import { removeLeases, removeNetworkPlaces } from './uninstall-leases.ts';

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

test('where networks of jobs are written down goes when there are none', () => {
  const places = ['jobs', 'networks'].map((name) => join(work, 'run', name));
  assert.deepEqual(removeNetworkPlaces(places, false), []);
  for (const path of places) mkdirSync(path, { recursive: true });
  writeFileSync(join(work, 'run/networks/.lock'), '');
  writeFileSync(join(work, 'run/jobs/1.json'), '{}');
  const actions = (dryRun: boolean) => removeNetworkPlaces(places, dryRun).map(({ action }) => action);
  assert.deepEqual(actions(true), ['keep', 'remove']);
  assert.deepEqual(actions(false), ['keep', 'remove']);
  rmSync(join(work, 'run/jobs/1.json'));
  assert.deepEqual(actions(false), ['remove']);
  assert.equal(existsSync(join(work, 'run')), false);
});
