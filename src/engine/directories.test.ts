import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { currentDirectory, isDirectory, namedDirectory } from './directories.ts';

const work = realpathSync(mkdtempSync(join(tmpdir(), 'vtorque-directories-')));
const before = process.cwd();
after(() => {
  process.chdir(before);
  rmSync(work, { recursive: true, force: true });
});
symlinkSync('loop', join(work, 'loop'));
symlinkSync('.', join(work, 'link'));

test('what cannot be looked at is no directory, and no reason to fail', () => {
  assert.equal(isDirectory(work), true);
  for (const path of ['none', 'loop', 'loop/x', 'x'.repeat(300)]) assert.equal(isDirectory(join(work, path)), false);
});

test('the current directory has the name that its user knows, if that is still true', () => {
  process.chdir(work);
  assert.equal(namedDirectory({ PWD: join(work, 'link') }), join(work, 'link'));
  for (const PWD of [undefined, '', '.', '/', join(work, 'loop'), join(work, 'none')]) {
    assert.equal(namedDirectory({ PWD }), work);
  }
});

test('a current directory that was deleted is told with a remedy', () => {
  const gone = join(work, 'gone');
  mkdirSync(gone);
  process.chdir(gone);
  rmSync(gone, { recursive: true });
  assert.throws(() => currentDirectory(), { code: 'E_CWD' });
  assert.throws(() => namedDirectory({ PWD: gone }), { code: 'E_CWD' });
});
