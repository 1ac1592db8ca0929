import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readPbsAllocation } from './allocation.ts';
import { handOn, takeOver } from './handed-on.ts';

const notInJob = { code: 'E_NOT_IN_JOB' };
const job = { PBS_JOBID: '121[1].head', PBS_JOBCOOKIE: 'C35806D2453B9F3EA2BF8B3D103A0BD2', PBS_NODENUM: '0' };

test('what is handed on to a task arrives as it was, and only in the same job', () => {
  const node = fc.record({ name: fc.string(), slots: fc.nat() }, { noNullPrototype: true });
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.array(node, { minLength: 1 }), (jobId, attempt, nodes) => {
      const text = handOn({ jobId, attempt, nodes });
      assert.deepEqual(takeOver(text, jobId), { attempt, nodes });
      assert.equal(takeOver(text, `${jobId}x`), undefined);
    }),
  );
});

test('what is no allocation is not taken for one', () => {
  fc.assert(fc.property(fc.string(), (text) => takeOver(text, 'x') === undefined));
  for (const text of ['null', '[]', '{"jobId":"x","attempt":"1","nodes":[]}', '{"jobId":"x","nodes":[["n1",1]]}']) {
    assert.equal(takeOver(text, 'x'), undefined, text);
  }
  assert.equal(takeOver('{"jobId":"x","attempt":"1","nodes":[["n1",1],["n2"]]}', 'x'), undefined);
});

test('the allocation comes from the node file where the job begins, each node once and in its order', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'vtt-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, '121[1].head');
  await writeFile(path, 'n2.site\nn2.site\nn1\n');
  const allocation = await readPbsAllocation('torque', { ...job, PBS_NODEFILE: path }, () => 'first');
  assert.deepEqual(allocation, {
    engine: 'torque',
    cluster: '',
    jobId: '121[1].head',
    attempt: 'first',
    nodes: [
      { name: 'n2.site', slots: 2 },
      { name: 'n1', slots: 1 },
    ],
    nodeIndex: 0,
    secret: job.PBS_JOBCOOKIE,
  });

  const task = { ...job, PBS_NODENUM: '1', VTORQUE_ALLOCATION: handOn(allocation) };
  assert.deepEqual(await readPbsAllocation('torque', task, assert.fail), { ...allocation, nodeIndex: 1 });
  await assert.rejects(
    readPbsAllocation('torque', { ...task, PBS_JOBID: '122.head' }, () => ''),
    notInJob,
  );
  await assert.rejects(
    readPbsAllocation('torque', { ...task, PBS_NODENUM: '2' }, () => ''),
    notInJob,
  );
});

test('a process that is in no job is told so', async () => {
  for (const env of [{}, { ...job, PBS_JOBCOOKIE: '' }, job, { ...job, PBS_NODEFILE: '/nonexistent' }]) {
    await assert.rejects(
      readPbsAllocation('torque', env, () => ''),
      notInJob,
    );
  }
});
