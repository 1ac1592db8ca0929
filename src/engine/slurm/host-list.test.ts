import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expandCounts, expandHostList } from './host-list.ts';

test('lists of nodes are expanded, with their leading zeros', () => {
  assert.deepEqual(expandHostList('n[1-3,07-09],login'), ['n1', 'n2', 'n3', 'n07', 'n08', 'n09', 'login']);
  assert.deepEqual(expandHostList('r[1-2]n[3,5]x'), ['r1n3x', 'r1n5x', 'r2n3x', 'r2n5x']);
  assert.deepEqual(expandHostList('localhost'), ['localhost']);
  assert.deepEqual(expandHostList(''), []);
});

test('what is no list is refused, also one that would fill the memory', () => {
  for (const text of ['n[1-', 'n[3-1]', 'n[a]', 'n]', 'n[0-99999999]'])
    assert.throws(() => expandHostList(text), /no /);
});

test('counts are expanded', () => {
  assert.deepEqual(expandCounts('2(x3),1'), [2, 2, 2, 1]);
  assert.throws(() => expandCounts('x'), /no counts/);
});

test('any text is expanded or refused', () => {
  const text = fc.string({ unit: fc.constantFrom('n', '1', '9', '[', ']', ',', '-', '0'), maxLength: 12 });
  fc.assert(
    fc.property(text, (value) => {
      try {
        assert.ok(expandHostList(value).every((name) => !/[[\],]/.test(name)));
      } catch (error) {
        assert.match(String(error), /no (list|range)/);
      }
    }),
    { numRuns: 5000 },
  );
});
