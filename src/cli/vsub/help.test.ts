import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { qsubOptions } from '../../pbs/index.ts';
import { availableKeys, vmKeys } from '../../request/index.ts';
import { installRoot } from '../../site/index.ts';
import { vsubHelp } from './help.ts';

test('the help names every key and every option of qsub', () => {
  const help = vsubHelp();
  for (const { name } of availableKeys) assert.match(help, new RegExp(`^  (.* )?${name}=`, 'm'));
  for (const { letter, value } of qsubOptions) {
    assert.match(help, new RegExp(value === undefined ? `^  -\\w*${letter}\\w*$` : `^  (.* )?-${letter}( |$)`, 'm'));
  }
});

test('the help fits on a screen of 80 by 24, also with the keys that are still to come', () => {
  const lines = vsubHelp(vmKeys).trimEnd().split('\n');
  assert.ok(lines.length <= 24, `${lines.length} lines`);
  assert.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
});

test('the table of keys in the manual is that of the code', () => {
  const manual = readFileSync(join(installRoot, 'docs/vsub.md'), 'utf8');
  const rows = availableKeys.map(
    ({ name, type, doc, default: fallback }) =>
      `| \`${name}=${type.syntax.replaceAll('|', '\\|')}\` | ${doc} | ${fallback} |`,
  );
  assert.ok(
    manual.includes(`|---|---|---|\n${rows.join('\n')}\n\n`),
    `docs/vsub.md must have these rows:\n${rows.join('\n')}`,
  );
});
