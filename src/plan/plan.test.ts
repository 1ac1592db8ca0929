import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guestNodeFile, planVms } from './plan.ts';

const request = { img: 'host', vcpus: 2, ram: 512 * 1024 ** 2 };
const namesOn = (...hosts: readonly string[]): string[] =>
  planVms(
    request,
    hosts.map((host) => ({ host, slots: 2 })),
  ).map(({ name }) => name);

test('planVms() names each guest after its node, in the order of ranks', () => {
  assert.deepEqual(namesOn('n7', 'n2.site.example'), ['vn7-1', 'vn2-1']);
});

test('planVms() tells nodes of one name in different domains apart', () => {
  assert.deepEqual(namesOn('n1.a', 'n1.b', 'n2.b'), ['vn1-a-1', 'vn1-b-1', 'vn2-1']);
});

test('planVms() rounds memory up to whole MiB', () => {
  const [vm] = planVms({ ...request, ram: 512 * 1024 ** 2 + 1 }, [{ host: 'n7', slots: 2 }]);
  assert.equal(vm?.ram, 513 * 1024 ** 2);
});

test('guestNodeFile() names each guest once per slot, in the order of ranks', () => {
  const vms = planVms(request, [
    { host: 'n7', slots: 2 },
    { host: 'n2', slots: 1 },
  ]);
  assert.equal(guestNodeFile(vms), 'vn7-1\nvn7-1\nvn2-1\n');
});
