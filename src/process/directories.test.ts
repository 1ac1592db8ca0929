import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makePrivateDirectory, makeReadableDirectory } from './directories.ts';

async function aPlace() {
  const place = await mkdtemp(join(tmpdir(), 'vtt-directories-'));
  const modes = (...paths: string[]) =>
    Promise.all(paths.map(async (path) => ((await stat(join(place, path))).mode & 0o777).toString(8)));
  return { place, modes, [Symbol.asyncDispose]: () => rm(place, { recursive: true }) };
}

async function masked(work: Promise<void>, mask: number): Promise<void> {
  const before = process.umask(mask);
  try {
    await work;
  } finally {
    process.umask(before);
  }
}

test('what is made for all can be read by all, whatever the mask, and what was there stays as it is', async () => {
  await using site = await aPlace();
  await chmod(site.place, 0o711);
  const make = (path: string): Promise<void> => makeReadableDirectory(join(site.place, path));
  await masked(make('a/b'), 0o077);
  assert.deepEqual(await site.modes('.', 'a', 'a/b'), ['711', '755', '755']);
  await writeFile(join(site.place, 'file'), '');
  await assert.rejects(make('file/a'), { code: 'E_CANNOT_WRITE' });
});

test("what is made for its owner is closed to others; root's parents are not", async () => {
  await using site = await aPlace();
  await masked(makePrivateDirectory(join(site.place, 'a/b')), 0o022);
  assert.deepEqual(await site.modes('a', 'a/b'), [process.getuid?.() === 0 ? '755' : '700', '700']);
  await makePrivateDirectory(join(site.place, 'a/b'));
});
