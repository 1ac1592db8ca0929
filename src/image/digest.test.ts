import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { rememberedDigest } from './digest.ts';

test('rememberedDigest() gives the digest also where there is no directory to remember it in', async () => {
  const own = { data: '/dev/null/data', cache: '/dev/null/cache', state: '/dev/null/state' };
  const digest = await rememberedDigest(import.meta.filename, { places: [own], own, uid: process.getuid?.() ?? 0 });
  assert.equal(
    digest,
    createHash('sha256')
      .update(await readFile(import.meta.filename))
      .digest('hex'),
  );
});
