import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findJobEngine, jobEngineName } from './find-job.ts';

test('a process of a job knows its batch system by what only that sets', () => {
  const id = { PBS_JOBID: '1.head' };
  assert.equal(jobEngineName({ ...id, PBS_VERSION: 'vtorque-0.1.0' }), 'embedded');
  assert.equal(
    jobEngineName({ ...id, PBS_VERSION: 'TORQUE-6.1-dev', PBS_JOBDIR: '/x', VTORQUE_LOCAL: '/y' }),
    'torque',
  );
  assert.equal(jobEngineName({ ...id, PBS_JOBDIR: '/home/u' }), 'openpbs');
  assert.equal(jobEngineName({ SLURM_JOB_ID: '7' }), 'slurm');
  assert.equal(jobEngineName({}), undefined);
});

test('outside a job there is none', async () => {
  await assert.rejects(findJobEngine({}), { code: 'E_NOT_IN_JOB' });
  assert.equal((await findJobEngine({ SLURM_JOB_ID: '7' })).name, 'slurm');
});
