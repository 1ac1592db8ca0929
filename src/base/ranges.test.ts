import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatRanges, parseRanges } from './ranges.ts';

test('parseRanges() reads what the kernel writes', () => {
  assert.deepEqual(parseRanges('0-2,8,10-11\n'), [0, 1, 2, 8, 10, 11]);
  assert.deepEqual(parseRanges('\n'), []);
});

test('parseRanges() takes nothing else', () => {
  for (const text of ['a', '3-1', '1,,2', '-1', '0x3']) assert.throws(() => parseRanges(text), /no range of numbers/);
});

test('formatRanges() writes what parseRanges() reads, sorted and each once', () => {
  assert.equal(formatRanges([8, 1, 0, 2, 1]), '0-2,8');
  fc.assert(
    fc.property(fc.array(fc.nat(300)), (cpus) => {
      const sorted = [...new Set(cpus)].sort((a, b) => a - b);
      assert.deepEqual(parseRanges(formatRanges(cpus)), sorted);
    }),
  );
});
