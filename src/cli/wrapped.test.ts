import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { wrapped } from './wrapped.ts';

test('wrapped() breaks a text between words', () => {
  assert.deepEqual(wrapped('one two three four', 9), ['one two', 'three', 'four']);
});

test('wrapped() leaves a text alone where there is no width', () => {
  assert.deepEqual(wrapped('one two', undefined), ['one two']);
});

test('wrapped() loses nothing, and its lines are no longer than asked but for single words', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 100 }), (text, width) => {
      const lines = wrapped(text, width);
      assert.equal(lines.join(' '), text);
      for (const line of lines) assert.ok(line.length <= width || !line.includes(' '));
    }),
  );
});
