import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { removeLeftovers, replaceDirectory } from './public-root.ts';

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'vtt-public-root-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

async function copy(path: string, text: string): Promise<string> {
  await mkdir(path);
  await writeFile(join(path, 'stamp'), text);
  return path;
}

test('several processes that put a copy in the same place at once leave one whole copy there', async (t) => {
  const dir = await directory(t);
  const target = await copy(join(dir, 'key'), 'old');
  const fresh = await Promise.all(Array.from({ length: 20 }, (_, n) => copy(join(dir, `key.${n}`), `new ${n}`)));
  await Promise.all(fresh.map((path) => replaceDirectory(target, path)));
  assert.deepEqual(await readdir(dir), ['key']);
  assert.match(await readFile(join(target, 'stamp'), 'utf8'), /^new \d+$/);
});

test('copies that were left behind go, others and the one that is used stay', async (t) => {
  const dir = await directory(t);
  for (const name of ['key', 'key.left', 'key.left.old', 'key.fresh', 'keys.left']) await copy(join(dir, name), '');
  for (const name of ['key', 'key.left', 'key.left.old', 'keys.left']) await utimes(join(dir, name), 1000, 1000);
  await removeLeftovers(join(dir, 'key'), Date.now() - 3600_000);
  assert.deepEqual((await readdir(dir)).sort(), ['key', 'key.fresh', 'keys.left']);
});
