import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runBatch } from './run.ts';

test('no word of a batch is taken for several, or for a line', async () => {
  for (const word of ['a b', 'a\nb', '', "a'b", 'a#b', 'a\\b']) {
    await assert.rejects(runBatch('ip', [['link', 'show', word]]), /is no word for ip/);
  }
});
