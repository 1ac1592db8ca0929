import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guestEnvironment } from './environment.ts';

const job = { PBS_JOBID: '1.head', HOME: '/home/u', A: 'x y', TMPDIR: '/scratch/1', PATH: '/opt/bin', HOSTNAME: 'n1' };

test('guestEnvironment() keeps what the batch system set and drops the rest', () => {
  const env = guestEnvironment(job, { names: [], all: false }, {});
  assert.deepEqual(Object.keys(env).sort(), ['HOME', 'PATH', 'PBS_JOBID', 'TMPDIR']);
});

test('guestEnvironment() keeps the variables of -v', () => {
  assert.equal(guestEnvironment(job, { names: ['A'], all: false }, {}).A, 'x y');
});

test('guestEnvironment() keeps all with -V but what is true of the node only', () => {
  const env = guestEnvironment(job, { names: [], all: true }, {});
  assert.equal(env.A, 'x y');
  assert.equal(env.PATH, '/opt/bin');
  assert.equal(env.TMPDIR, '/tmp');
});

test('guestEnvironment() lets what is true of the guest win', () => {
  assert.equal(guestEnvironment(job, { names: ['HOSTNAME'], all: false }, { HOSTNAME: 'vn1-1' }).HOSTNAME, 'vn1-1');
});

test('guestEnvironment() keeps the secret of the job from the guest', () => {
  const secret = { ...job, PBS_JOBCOOKIE: 'C0FFEE' };
  for (const all of [true, false]) {
    assert.equal(guestEnvironment(secret, { names: ['PBS_JOBCOOKIE'], all }, {}).PBS_JOBCOOKIE, undefined);
  }
});
