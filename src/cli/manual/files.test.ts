import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { installRoot } from '../../site/index.ts';
import { generatedFiles } from './files.ts';

const files = generatedFiles();
const pages = [...files.keys()].filter((path) => path.startsWith('man/'));
const hasGroff = spawnSync('groff', ['--version'], { timeout: 60_000 }).status === 0;

test('the manual pages and the completion in the repository are those of the tables', () => {
  for (const [path, text] of files) {
    const there = readFileSync(join(installRoot, path), 'utf8');
    assert.ok(there === text, `${path} is stale: run scripts/node scripts/manuals.ts`);
  }
});

test('there is no page that is not made from the tables', () => {
  const there = readdirSync(join(installRoot, 'man'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join('man', entry.parentPath.slice(join(installRoot, 'man').length + 1), entry.name));
  assert.deepEqual(there.sort(), [...pages].sort());
});

test('groff formats the pages without a warning', { skip: !hasGroff && 'there is no groff' }, () => {
  for (const page of pages) {
    const { status, stderr } = spawnSync('groff', ['-man', '-ww', '-z', join(installRoot, page)], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.deepEqual([status, stderr], [0, ''], page);
  }
});

test('on a terminal no line of a page is longer than the terminal', { skip: !hasGroff && 'there is no groff' }, () => {
  for (const page of pages) {
    const text = execFileSync('groff', ['-man', '-Tascii', '-P-c', '-rLL=78n', join(installRoot, page)], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    const plain = text.replace(/.[\b]/g, '');
    assert.deepEqual(
      plain.split('\n').filter((line) => line.length > 80),
      [],
      page,
    );
  }
});
