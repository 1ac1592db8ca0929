import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileReason } from './file-reason.ts';

test('why a file cannot be used is told in words of the user, and of what is rare in those of the system', async () => {
  const reason = (path: string): Promise<string> => readFile(path, 'utf8').catch(fileReason);
  assert.equal(await reason('/there/is/none'), 'there is no such file');
  assert.equal(await reason('/dev/null/x'), 'what its path leads through is no directory');
  assert.equal(await reason('/'), 'it is a directory');
  assert.equal(fileReason(new Error('EIO: i/o error, read')), 'EIO: i/o error, read');
});
