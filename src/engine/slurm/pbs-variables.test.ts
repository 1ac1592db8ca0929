import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pbsVariables } from './pbs-variables.ts';

test("a job in Slurm has PBS's variables", () => {
  const allocation = {
    engine: 'slurm',
    ...{ cluster: 'c', jobId: '12', attempt: '0', nodeIndex: 0, secret: 's' },
    nodes: [
      { name: 'n1', slots: 4 },
      { name: 'n2', slots: 4 },
    ],
  } as const;
  const env = {
    SLURM_ARRAY_JOB_ID: '10',
    SLURM_JOB_NAME: 'hello',
    SLURM_JOB_PARTITION: 'batch',
    SLURM_ARRAY_TASK_ID: '3',
  };
  assert.deepEqual(pbsVariables(env, allocation), {
    ...{ PBS_JOBID: '10_3', PBS_JOBNAME: 'hello', PBS_QUEUE: 'batch', PBS_ENVIRONMENT: 'PBS_BATCH' },
    ...{ ENVIRONMENT: 'BATCH', PBS_NODENUM: '0', PBS_NUM_NODES: '2', PBS_NUM_PPN: '4', PBS_NP: '8', PBS_ARRAYID: '3' },
  });
  const interactive = pbsVariables({ PBS_ENVIRONMENT: 'PBS_INTERACTIVE' }, allocation);
  assert.deepEqual([interactive.PBS_ENVIRONMENT, interactive.ENVIRONMENT], ['PBS_INTERACTIVE', undefined]);
});
