import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatCpuList, parseCpuList } from './cpu-list.ts';

test('parseCpuList() reads what the kernel writes', () => {
  assert.deepEqual(parseCpuList('0-2,8,10-11\n'), [0, 1, 2, 8, 10, 11]);
  assert.deepEqual(parseCpuList('\n'), []);
});

test('parseCpuList() takes nothing else', () => {
  for (const text of ['a', '3-1', '1,,2', '-1', '0x3']) assert.throws(() => parseCpuList(text), /no range of CPUs/);
});

test('formatCpuList() writes what parseCpuList() reads, sorted and each once', () => {
  assert.equal(formatCpuList([8, 1, 0, 2, 1]), '0-2,8');
  fc.assert(
    fc.property(fc.array(fc.nat(300)), (cpus) => {
      const sorted = [...new Set(cpus)].sort((a, b) => a - b);
      assert.deepEqual(parseCpuList(formatCpuList(cpus)), sorted);
    }),
  );
});
