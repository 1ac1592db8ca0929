import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Phase, VtorqueError } from '../base/index.ts';
import { installRoot } from '../site/index.ts';
import { codesOfErrors, exitCodeOf, exitCodeOfPhase } from './exit-codes.ts';

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

test('exitCodeOf() tells a prologue that refuses the job from one that failed', () => {
  const failed = (code: string): number => exitCodeOf(new VtorqueError(code, 'Cannot x: y', { phase: 'guest' }));
  assert.deepEqual([failed('E_PROLOGUE_REFUSED'), failed('E_PROLOGUE_FAILED'), failed('E_OTHER')], [249, 250, 245]);
  assert.equal(exitCodeOf(new TypeError('x')), 248);
  const page = readFileSync(join(installRoot, 'docs/exit-codes.md'), 'utf8');
  for (const code of Object.values(codesOfErrors)) assert.match(page, new RegExp(`^\\| ${code} \\|`, 'm'));
});
