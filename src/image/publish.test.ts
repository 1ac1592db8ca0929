import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishDirectory, publishFile, sweep } from './publish.ts';
import { aSite } from './test-support.ts';

test('publishDirectory() shows the directory whole, with modes that all can read', async () => {
  await using site = await aSite();
  const target = join(site.dir, 'pool/image');
  await publishDirectory(target, async (dir) => {
    await mkdir(join(dir, 'sub'), { mode: 0o700 });
    await writeFile(join(dir, 'sub/file'), 'x', { mode: 0o600 });
  });
  assert.equal((await stat(join(target, 'sub'))).mode & 0o777, 0o755);
  assert.equal((await stat(join(target, 'sub/file'))).mode & 0o777, 0o644);
  assert.deepEqual(await readdir(join(site.dir, 'pool')), ['image']);
});

test('publishDirectory() keeps what was there when making the new one fails', async () => {
  await using site = await aSite();
  const target = join(site.dir, 'image');
  await publishDirectory(target, (dir) => writeFile(join(dir, 'file'), 'old'));
  const failing = publishDirectory(target, async (dir) => {
    await writeFile(join(dir, 'file'), 'new');
    throw new Error('no luck');
  });
  await assert.rejects(failing, /no luck/);
  assert.equal(await readFile(join(target, 'file'), 'utf8'), 'old');
  assert.deepEqual(await readdir(site.dir), ['image']);
});

test('publishDirectory() replaces what was there', async () => {
  await using site = await aSite();
  const target = join(site.dir, 'image');
  for (const text of ['old', 'new']) await publishDirectory(target, (dir) => writeFile(join(dir, text), text));
  assert.deepEqual(await readdir(target), ['new']);
  assert.deepEqual(await readdir(site.dir), ['image']);
});

test('publishFile() leaves nothing when writing fails', async () => {
  await using site = await aSite();
  const failing = publishFile(join(site.dir, 'file'), async (path) => {
    await writeFile(path, 'half');
    throw new Error('no luck');
  });
  await assert.rejects(failing, /no luck/);
  assert.deepEqual(await readdir(site.dir), []);
});

test('sweep() removes what an interrupted publication left and nothing else', async () => {
  await using site = await aSite();
  await mkdir(join(site.dir, '.new-image-0a1b/sub'), { recursive: true });
  await mkdir(join(site.dir, 'image'));
  await writeFile(join(site.dir, '.lock'), '');
  await sweep(site.dir);
  assert.deepEqual((await readdir(site.dir)).sort(), ['.lock', 'image']);
});

test('publishing where nothing can be written names the directory', async () => {
  await using site = await aSite();
  const path = join(site.dir, 'file/sub');
  await writeFile(join(site.dir, 'file'), '');
  await assert.rejects(
    publishFile(join(path, 'x'), () => Promise.resolve()),
    { code: 'E_CANNOT_WRITE', message: `Cannot make the directory "${path}": ENOTDIR` },
  );
});
