import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { installRoot } from '../site/index.ts';

const works: string[] = [];
after(() => {
  for (const work of works) rmSync(work, { recursive: true });
});

/** A tree with one program that says where it comes from. */
function aTree(): string {
  const root = mkdtempSync(join(tmpdir(), 'vtorque-start-'));
  works.push(root);
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write('src/cli/programs/it.ts', "export async function main(args: string[]) { console.log('source', ...args); }\n");
  write('src/used.ts', '// of the bundle\n');
  write('lib/it.cjs', "exports.main = async (args) => console.log('bundle', ...args);\n");
  mkdirSync(join(root, 'libexec'));
  copyFileSync(join(installRoot, 'libexec/start.cjs'), join(root, 'libexec/start.cjs'));
  const { size, mtimeMs } = statSync(join(root, 'src/used.ts'));
  write('lib/it.inputs', JSON.stringify([['src/used.ts', size, mtimeMs]]));
  return root;
}

function started(root: string): string {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'libexec/start.cjs'), 'it', 'a b'],
    { encoding: 'utf8', timeout: 60_000 },
  );
  return `${stdout}${stderr}`;
}

test('a program starts from its bundle, with the words of its command line', () => {
  assert.equal(started(aTree()), 'bundle a b\n');
});

test('a source file that has changed, or is gone, counts at once', () => {
  const touched = aTree();
  utimesSync(join(touched, 'src/used.ts'), 1, 1);
  assert.equal(started(touched), 'source a b\n');
  const longer = aTree();
  const { atime, mtime } = statSync(join(longer, 'src/used.ts'));
  writeFileSync(join(longer, 'src/used.ts'), '// of the bundle, and more\n');
  utimesSync(join(longer, 'src/used.ts'), atime, mtime);
  assert.equal(started(longer), 'source a b\n');
  const gone = aTree();
  rmSync(join(gone, 'src/used.ts'));
  assert.equal(started(gone), 'source a b\n');
});

test('a checkout whose bundle was never finished starts from the source', () => {
  const root = aTree();
  rmSync(join(root, 'lib/it.inputs'));
  assert.equal(started(root), 'source a b\n');
});

test('an installation has no source, and starts from its bundle', () => {
  const root = aTree();
  rmSync(join(root, 'lib/it.inputs'));
  rmSync(join(root, 'src'), { recursive: true });
  assert.equal(started(root), 'bundle a b\n');
});

test('compiled code that is not for this Node is left aside', () => {
  const root = aTree();
  writeFileSync(join(root, 'lib/it.cache'), 'something else');
  assert.equal(started(root), 'bundle a b\n');
});
