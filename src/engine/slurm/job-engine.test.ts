import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlurmJobEngine } from './job-engine.ts';

const inJob = {
  ...{ SLURM_JOB_ID: '12', SLURM_JOB_NODELIST: 'n[1-2]', SLURM_TASKS_PER_NODE: '4(x2)', SLURMD_NODENAME: 'n2' },
  ...{ SLURM_RESTART_COUNT: '1', SLURM_CLUSTER_NAME: 'c' },
};

test('the allocation is that of the job, the same on all its nodes but for the place of this one', async () => {
  const { secret, ...rest } = await new SlurmJobEngine(inJob).allocation();
  assert.deepEqual(rest, {
    ...{ engine: 'slurm', cluster: 'c', jobId: '12', attempt: '1', nodeIndex: 1 },
    nodes: [
      { name: 'n1', slots: 4 },
      { name: 'n2', slots: 4 },
    ],
  });
  assert.match(secret, /^[0-9a-f]{64}$/);
});

test('a task has the secret of its launcher', async () => {
  const allocation = await new SlurmJobEngine({ ...inJob, VTORQUE_JOB_SECRET: 'abc' }).allocation();
  assert.equal(allocation.secret, 'abc');
});

test('an element of an array has a number of its own', async () => {
  const env = { ...inJob, SLURM_ARRAY_JOB_ID: '10', SLURM_ARRAY_TASK_ID: '3' };
  assert.equal((await new SlurmJobEngine(env).allocation()).jobId, '12');
});

test('outside a job there is no allocation', async () => {
  await assert.rejects(new SlurmJobEngine({}).allocation(), { code: 'E_NOT_IN_JOB', phase: 'plan' });
});

test('a task has the slots of its job, though Slurm tells it those of its step', async () => {
  const handedOn = JSON.stringify({
    jobId: '12',
    attempt: '1',
    nodes: [
      ['n1', 4],
      ['n2', 4],
    ],
  });
  const task = { ...inJob, SLURM_TASKS_PER_NODE: '1(x2)', VTORQUE_ALLOCATION: handedOn };
  const slots = (await new SlurmJobEngine(task).allocation()).nodes.map((node) => node.slots);
  assert.deepEqual(slots, [4, 4]);
});
