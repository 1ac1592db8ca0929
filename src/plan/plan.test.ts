import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { guestNodeFile, planVms } from './plan.ts';

const request = { img: 'host', vcpus: 2, ram: 512 * 1024 ** 2 };
const hosts = (...names: readonly string[]): { host: string }[] => names.map((host) => ({ host }));
const namesOn = (...names: readonly string[]): string[] => planVms(request, hosts(...names)).map(({ name }) => name);

test('planVms() names each guest after its node, in the order of ranks', () => {
  assert.deepEqual(namesOn('n7', 'n2.site.example'), ['vn7-1', 'vn2-1']);
});

test('planVms() tells nodes of one name in different domains apart', () => {
  assert.deepEqual(namesOn('n1.a', 'n1.b', 'n2.b'), ['vn1-a-1', 'vn1-b-1', 'vn2-1']);
});

test('planVms() rounds memory up to whole MiB', () => {
  const [vm] = planVms({ ...request, ram: 512 * 1024 ** 2 + 1 }, hosts('n7'));
  assert.equal(vm?.ram, 513 * 1024 ** 2);
});

test('planVms() puts as many VMs on each node as asked for, ranks node by node', () => {
  const vms = planVms({ ...request, vmsPerNode: 2 }, hosts('n7', 'n2'));
  assert.deepEqual(
    vms.map(({ name, rank, nodeIndex, index }) => [name, rank, nodeIndex, index]),
    [
      ['vn7-1', 0, 0, 1],
      ['vn7-2', 1, 0, 2],
      ['vn2-1', 2, 1, 1],
      ['vn2-2', 3, 1, 2],
    ],
  );
});

test('planVms() gives every VM its rank as its place and a name of its own', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,3}(\.[ab]){0,2}$/);
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 1 }), fc.integer({ min: 1, max: 4 }), (names, vmsPerNode) => {
      const vms = planVms({ ...request, vmsPerNode }, hosts(...names));
      assert.equal(vms.length, names.length * vmsPerNode);
      assert.ok(vms.every(({ rank }, at) => rank === at));
      assert.equal(new Set(vms.map((vm) => vm.name)).size, vms.length);
    }),
  );
});

test('guestNodeFile() names each guest once per virtual CPU, in the order of ranks', () => {
  assert.equal(guestNodeFile(planVms(request, hosts('n7', 'n2'))), 'vn7-1\nvn7-1\nvn2-1\nvn2-1\n');
});
