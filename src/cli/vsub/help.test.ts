import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { availableKeys } from '../../request/index.ts';
import { installRoot } from '../../site/index.ts';
import { vsubHelp } from './help.ts';

test('the help names every key and every option of qsub, on lines of at most 80 characters', () => {
  const help = vsubHelp();
  for (const { name } of availableKeys) assert.match(help, new RegExp(`^  (.*  )?${name}=`, 'm'));
  assert.match(help, / {2}-W attributes {2}-X {2}-x {2}-z$/m);
  assert.ok(help.split('\n').every((line) => line.length <= 80));
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
