import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstParagraph } from './apt.ts';

test('firstParagraph() reads the first package of several and leaves continuation lines out', () => {
  const text = 'Package: a\nDepends: b (= 1), c\nDescription: one\n two: three\n\nPackage: z\n';
  assert.deepEqual(
    [...firstParagraph(text)],
    [
      ['Package', 'a'],
      ['Depends', 'b (= 1), c'],
      ['Description', 'one'],
    ],
  );
});
