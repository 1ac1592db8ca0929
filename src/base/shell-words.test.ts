import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { shellQuote, shellWord } from './shell-words.ts';

test('any words come through a shell as they are', () => {
  const word = fc.string({ unit: fc.constantFrom('a', '-', "'", '"', '\\', '$', '`', ' ', '\n', 'ä', '*', '~', '#') });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
      for (const quote of [shellQuote, shellWord]) {
        const { stdout } = spawnSync('sh', ['-c', `printf '%s\\0' ${words.map(quote).join(' ')}`]);
        assert.deepEqual(stdout.toString().split('\0').slice(0, -1), words);
      }
    }),
    { numRuns: 100 },
  );
});
