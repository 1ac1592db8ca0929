import assert from 'node:assert/strict';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LeaseStore } from './store.ts';

const hour = 3_600_000;

test('what is done now and then is done once in its time, also after the clock was set back', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vtt-store-'));
  const store = await LeaseStore.open(directory, process.getuid?.() ?? 0);
  const now = Date.now();
  assert.equal(await store.isDue('reap', hour, now), true);
  assert.equal(await store.isDue('reap', hour, Date.now()), false);
  assert.equal(await store.isDue('reap', hour, now + 2 * hour), true);
  await utimes(join(directory, '.reap'), new Date(), new Date(now + 24 * hour));
  assert.equal(await store.isDue('reap', hour, now), true);
  await rm(directory, { recursive: true });
});

test('what cannot be written down as done is not due', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vtt-store-'));
  const store = await LeaseStore.open(directory, process.getuid?.() ?? 0);
  await rm(directory, { recursive: true });
  assert.equal(await store.isDue('reap', hour, Date.now()), false);
});

test('a directory that cannot be used is told with the user who can', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vtt-store-'));
  await writeFile(join(directory, 'file'), '');
  await assert.rejects(LeaseStore.open(join(directory, 'file', 'leases'), process.getuid?.() ?? 0), {
    code: 'E_LEASES',
    message: /^Cannot use ".*\/file\/leases": /,
    hint: /run the command as that user/,
  });
  await rm(directory, { recursive: true });
});
