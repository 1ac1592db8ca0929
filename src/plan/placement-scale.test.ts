import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeOnMany } from './test-nodes.ts';

// A bench says how long it takes; this finds what grows with more than the number of nodes.
test('planVms() and planPlacement() plan and place 8 VMs on each of 10,000 nodes in less than 500 MB', {
  timeout: 120_000,
}, () => {
  const before = process.memoryUsage().rss;
  const placed = placeOnMany(10_000, 8);
  assert.equal(placed.length, 80_000);
  assert.ok(placed.every(({ pins }) => pins?.vcpus.length === 4));
  assert.ok(process.memoryUsage().rss - before < 500 * 1024 ** 2);
});
