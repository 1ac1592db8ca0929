import assert from 'node:assert/strict';
import { test } from 'node:test';
import { table } from './table.ts';

test('table() aligns columns and has no blanks at the end of a line', () => {
  assert.equal(
    table([
      ['NAME', 'SIZE'],
      ['debian-12', '1'],
    ]),
    'NAME       SIZE\ndebian-12  1\n',
  );
});

test('table() cuts lines to the width of the terminal', () => {
  assert.equal(table([['NAME', 'DESCRIPTION']], 10), 'NAME  DES…\n');
});
