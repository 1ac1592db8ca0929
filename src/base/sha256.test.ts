import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256 } from './sha256.ts';

const expected = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('sha256() is what node:crypto computes, at every length around a block and for any bytes', () => {
  for (let length = 0; length < 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 37) & 255);
    assert.equal(sha256(bytes), expected(bytes));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => sha256(bytes) === expected(bytes)));
});

test('sha256() reads only its part of a larger buffer', () => {
  const buffer = Buffer.from('before, the part, behind');
  const part = buffer.subarray(8, 16);
  assert.equal(sha256(part), expected(Buffer.from('the part')));
});
