import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountPoints } from './unmount.ts';

test('mountPoints() gives the paths in order, with blanks and letters of any language', () => {
  const text = 'proc /proc proc rw 0 0\nx /a\\040b\\134c tmpfs rw 0 0\ny /\u00c3\u00a4 9p rw 0 0\n';
  assert.deepEqual(mountPoints(text), ['/proc', '/a b\\c', '/ä']);
  assert.deepEqual(mountPoints(''), []);
});
