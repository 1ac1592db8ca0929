import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB } from '../../base/index.ts';
import { effectiveOptions, walkQsubArgs } from '../../pbs/index.ts';
import { needsOrReason } from './check-with-engine.ts';

const limits = { hostCores: 0, hostRam: 0, ramdisk: GiB, undersized: 'refuse', nodeAccess: '' } as const;
const options = effectiveOptions(walkQsubArgs(['-l', 'nodes=1:ppn=4']).options, []);
const job = (vcpus: number) => ({ request: { img: 'host', vcpus, ram: GiB }, slots: 4, nodes: 1, options, limits });
const nodes = Promise.resolve([{ name: 'n1', np: 8, memory: 4 * GiB, state: 'free' }]);

test('more slots are no remedy where no node has as many: what there is is told', async () => {
  await assert.rejects(needsOrReason(job(9), { nodes }), { code: 'E_VCPUS_TOO_MANY', hint: 'Ask for at most vcpus=8' });
  await assert.rejects(needsOrReason(job(8), { nodes }), { code: 'E_VCPUS_SLOTS', hint: /-l nodes=1:ppn=8, or/ });
});

test('where the batch system does not tell its nodes, asking for more is the remedy', async () => {
  for (const untold of [Promise.resolve(undefined), Promise.reject(new Error('no answer'))]) {
    await assert.rejects(needsOrReason(job(9), { nodes: untold }), { code: 'E_VCPUS_SLOTS' });
  }
  assert.deepEqual(await needsOrReason(job(4), { nodes }), []);
});
