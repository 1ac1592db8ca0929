import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease, LeaseKey } from '../leases/lease.ts';
import type { MarkedProcess } from '../strays.ts';
import type { MarkedDirectory } from '../temporary.ts';
import { planReap } from './plan.ts';

const now = 100 * 24 * 3_600_000;
const hour = 3_600_000;
const keyOf = (jobId: string, more: Partial<LeaseKey> = {}): LeaseKey => ({
  ...{ engine: 'torque', cluster: 'head', jobId, attempt: undefined, node: 'n1' },
  ...more,
});
const lease = (jobId: string, state: Lease['state'] = 'prepared', age = hour): Lease => ({
  ...{ key: keyOf(jobId), state, owner: { name: 'u', uid: 1000, gid: 1000 }, at: now - age },
});
const marked = (jobId: string, more: Partial<LeaseKey> = {}): MarkedProcess => ({
  ...{ pid: 7, born: '1', parent: 1, uid: 1000, program: 'qemu', key: keyOf(jobId, more), askToEnd: false },
});
const plan = (
  leases: readonly Lease[],
  marked: readonly MarkedProcess[],
  live: readonly string[] = [],
  networks: readonly LeaseKey[] = [],
  directories: readonly MarkedDirectory[] = [],
) =>
  planReap({
    ...{
      engine: 'torque',
      cluster: 'head',
      live: new Set(live),
      leases,
      marked,
      directories,
      networks,
      asked: now,
      now,
    },
  }).map((action) => (action.kind === 'release' ? `release ${action.lease.key.jobId}` : action.kind));

test('what belongs to a live job stays', () => {
  assert.deepEqual(plan([lease('1.head')], [marked('1.head')], ['1.head']), []);
});

test('a lease without a live job is released, and its processes with it', () => {
  assert.deepEqual(plan([lease('1.head')], [marked('1.head')]), ['release 1.head']);
});

test('a lease that was only just made stays: the batch system may not tell of its job yet', () => {
  assert.deepEqual(plan([lease('1.head', 'prepared', 1000)], []), []);
});

test('a lease that was made while the batch system was slow to answer stays', () => {
  const view = {
    engine: 'torque',
    cluster: 'head',
    live: new Set<string>(),
    marked: [],
    directories: [],
    networks: [],
    asked: now - hour,
    now,
  };
  assert.deepEqual(planReap({ ...view, leases: [lease('1.head', 'prepared', hour / 2)] }), []);
  assert.equal(planReap({ ...view, leases: [lease('1.head', 'prepared', 2 * hour)] }).length, 1);
});

test('a lease of before the clock was set back counts as old', () => {
  assert.deepEqual(plan([lease('1.head', 'prepared', -hour)], []), ['release 1.head']);
});

test('a release that was begun is finished, also while the job is still listed', () => {
  assert.deepEqual(plan([lease('1.head', 'releasing', 0)], [], ['1.head']), ['release 1.head']);
});

test('a process without a lease is ended when its job does not live, also behind a tombstone', () => {
  assert.deepEqual(plan([], [marked('2.head')]), ['kill']);
  assert.deepEqual(plan([lease('2.head', 'released')], [marked('2.head')]), ['kill']);
});

test('a temporary directory without a lease is removed when its job does not live, and it was there before anybody asked', () => {
  const directory = (jobId: string, age = hour, more: Partial<LeaseKey> = {}): MarkedDirectory => ({
    ...{ path: '/tmp/vtorque-x', uid: 1000, gid: 1000, at: now - age, key: keyOf(jobId, more) },
  });
  const of = (found: MarkedDirectory, leases: readonly Lease[] = [], live: readonly string[] = []) =>
    plan(leases, [], live, [], [found]);
  assert.deepEqual(of(directory('2.head')), ['directory']);
  assert.deepEqual(of(directory('2.head'), [lease('2.head', 'released')]), ['directory']);
  assert.deepEqual(of(directory('2.head'), [lease('2.head')]), ['release 2.head']);
  assert.deepEqual(of(directory('2.head'), [], ['2.head']), []);
  assert.deepEqual(of(directory('2.head', 1000)), []);
  assert.deepEqual(of(directory('2.head', hour, { cluster: 'other' })), []);
});

test('network devices without a lease are removed when their job does not live', () => {
  assert.deepEqual(plan([], [], [], [keyOf('2.head')]), ['network']);
  assert.deepEqual(plan([lease('2.head', 'released')], [], [], [keyOf('2.head')]), ['network']);
  assert.deepEqual(plan([], [], ['2.head'], [keyOf('2.head')]), []);
  assert.deepEqual(plan([lease('2.head', 'prepared', 0)], [], [], [keyOf('2.head')]), []);
  assert.deepEqual(plan([], [], [], [keyOf('2.head', { cluster: 'other' })]), []);
});

test('nothing of another batch system is touched', () => {
  const other = { ...lease('1.head'), key: keyOf('1.head', { cluster: 'other' }) };
  assert.deepEqual(plan([other], [marked('1.head', { engine: 'slurm' })]), []);
});

test('tombstones are forgotten after a day', () => {
  assert.deepEqual(plan([lease('1.head', 'released', 23 * hour)], []), []);
  assert.deepEqual(plan([lease('1.head', 'released', 25 * hour)], []), ['forget']);
  assert.deepEqual(plan([lease('1.head', 'released', -25 * hour)], []), ['forget']);
});
