import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SlurmEngine } from '../src/engine/slurm/engine.ts';
import { startSlurm, type TestSlurm, whyNoSlurm } from './support/slurm.ts';

const skip = await whyNoSlurm();

describe('a real Slurm', { skip }, () => {
  let slurm: TestSlurm;
  before(async () => {
    slurm = await startSlurm();
  });
  after(() => slurm[Symbol.asyncDispose]());

  test('tells its nodes and queues', async () => {
    const engine = new SlurmEngine({ ...process.env, ...slurm.env });
    assert.deepEqual(
      (await engine.nodes()).map(({ name, np }) => [name, np]),
      [
        ['n1', 4],
        ['n2', 4],
        ['n3', 4],
      ],
    );
    assert.deepEqual(await engine.queues(), ['batch']);
    assert.deepEqual(await engine.liveJobs(), { known: true, cluster: 'vtt', ids: new Set() });
  });
});
