import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Phase } from '../base/index.ts';
import { installRoot } from '../site/index.ts';
import { exitCodeOfPhase } from './exit-codes.ts';

test('exitCodeOfPhase() is what the documentation says', () => {
  const page = readFileSync(join(installRoot, 'docs/exit-codes.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (24\d) \| ([a-z-]*(?:, [a-z-]+)*) ?\|/gm)];
  assert.equal(rows.length, 9);
  for (const [, code, phases = ''] of rows) {
    for (const phase of phases.split(', ')) {
      assert.equal(exitCodeOfPhase(phase === '' ? undefined : (phase as Phase)), Number(code), phase);
    }
  }
});
