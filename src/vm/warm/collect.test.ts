import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { lockFile } from '../../process/index.ts';
import { collectTemplates, listTemplates } from './collect.ts';
import { lockOf } from './drafts.ts';
import { rememberFailure } from './failures.ts';
import { templateFiles } from './manifest.ts';

const KiB = 1024;
const manifest = JSON.stringify({ format: 1, parts: { state: { sha256: '' } } });

/** Templates of 64 KiB and a little, used at these times. */
async function aStore(used: Readonly<Record<string, number>>) {
  const store = await mkdtemp(join(tmpdir(), 'vtt-store-'));
  for (const [name, seconds] of Object.entries(used)) {
    const files = templateFiles(join(store, name));
    await mkdir(join(store, name));
    await writeFile(files.ram, Buffer.alloc(64 * KiB, 1));
    await writeFile(files.manifest, name.startsWith('broken') ? '{' : manifest);
    await utimes(files.manifest, seconds, seconds);
  }
  return { store, [Symbol.asyncDispose]: () => rm(store, { recursive: true }) };
}

async function names(store: string): Promise<string[]> {
  return (await listTemplates([store])).map(({ dir }) => basename(dir));
}

test('collectTemplates() removes the least recently used ones until the rest fits', async () => {
  await using site = await aStore({ b: 200, a: 100, c: 300 });
  assert.deepEqual(await names(site.store), ['a', 'b', 'c']);
  const removed = await collectTemplates(site.store, 160 * KiB);
  assert.deepEqual(
    removed.map(({ dir }) => basename(dir)),
    ['a'],
  );
  assert.deepEqual(await names(site.store), ['b', 'c']);
});

test('collectTemplates() keeps the one that was just made, however old the others are', async () => {
  await using site = await aStore({ b: 200, a: 100 });
  await collectTemplates(site.store, KiB, join(site.store, 'a'));
  assert.deepEqual(await names(site.store), ['a']);
});

test('collectTemplates() removes what cannot be read, and nothing else while there is room', async () => {
  await using site = await aStore({ a: 100, broken: 900 });
  await collectTemplates(site.store, 1024 * KiB);
  assert.deepEqual(await names(site.store), ['a']);
});

test('collectTemplates() removes what interrupted makers have left, and nothing that is being made', async () => {
  await using site = await aStore({ a: 100 });
  for (const name of ['.new-key1-0123', '.new-key2-0123']) await mkdir(join(site.store, name));
  await using _maker = await lockFile(lockOf(site.store, 'key1'), { waitMs: 5000 });
  await collectTemplates(site.store, 1024 * KiB);
  assert.deepEqual(
    (await readdir(site.store)).filter((name) => !name.startsWith('.lock')),
    ['.new-key1-0123', 'a'],
  );
});

test('collectTemplates() removes the locks of templates that are gone, with those that it removes itself, and none that is held', async () => {
  await using site = await aStore({ a: 100, b: 200 });
  for (const key of ['a', 'b', 'gone']) await writeFile(lockOf(site.store, key), '');
  await using _maker = await lockFile(lockOf(site.store, 'key1'), { waitMs: 5000 });
  await collectTemplates(site.store, 80 * KiB);
  assert.deepEqual((await readdir(site.store)).sort(), ['.lock-b', '.lock-key1', 'b']);
});

test('collectTemplates() removes failures of which nobody hears any more, and none that is just written down', async () => {
  await using site = await aStore({ a: 100 });
  await rememberFailure(site.store, 'old', 'it is no good');
  await rememberFailure(site.store, 'recent', 'it is no good');
  await writeFile(join(site.store, '.failed-empty'), '');
  const eleven = Date.now() / 1000 - 660;
  await utimes(join(site.store, '.failed-old'), eleven, eleven);
  await collectTemplates(site.store, 1024 * KiB);
  assert.deepEqual((await readdir(site.store)).sort(), ['.failed-empty', '.failed-recent', 'a']);
});

test('there is nothing to collect where there is no store', async () => {
  assert.deepEqual(await collectTemplates('/nonexistent/templates', 0), []);
});
