import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guestNodeFile, planVm } from './plan.ts';

const request = { img: 'host', vcpus: 2, ram: 512 * 1024 ** 2 };

test('planVm() names the guest after its node', () => {
  assert.equal(planVm(request, { node: 'n7', slots: 2 }).name, 'vn7-1');
});

test('planVm() rounds memory up to whole MiB', () => {
  assert.equal(planVm({ ...request, ram: 512 * 1024 ** 2 + 1 }, { node: 'n7', slots: 2 }).ram, 513 * 1024 ** 2);
});

test('guestNodeFile() names each guest once per slot', () => {
  assert.equal(guestNodeFile([planVm(request, { node: 'n7', slots: 2 })]), 'vn7-1\nvn7-1\n');
});
