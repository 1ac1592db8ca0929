import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frame } from './terminal-client.ts';

test('a frame for the shepherd is a letter, a length of two bytes, and so many bytes', () => {
  assert.deepEqual(frame('D', Buffer.from('ab')), Buffer.from('D\0\x02ab', 'latin1'));
  assert.equal(frame('D', Buffer.alloc(0xffff)).readUInt16BE(1), 0xffff);
});
