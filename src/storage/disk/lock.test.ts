import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lockDisk } from './lock.ts';

let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vtt-disk-lock-'));
});
after(() => rm(directory, { recursive: true, force: true }));

test('lockDisk() refuses a disk that another job uses, and names the job', async () => {
  await using _ = await lockDisk('/data/d.raw', { job: '12.server', node: 'n1' }, join(directory, 'locks'));
  await assert.rejects(lockDisk('/data/d.raw', { job: '13.server', node: 'n2' }, join(directory, 'locks'), 0), {
    code: 'E_DISK_IN_USE',
    message: /^Cannot use disk="\/data\/d\.raw": it is used by job "12\.server" on node "n1" since \d{4}-/,
  });
  await using _other = await lockDisk('/data/e.raw', { job: '13.server', node: 'n2' }, join(directory, 'locks'));
});

test('lockDisk() takes a disk that has been let go', async () => {
  for (const job of ['1.server', '2.server']) {
    await using _ = await lockDisk('/data/f.raw', { job, node: 'n1' }, directory);
  }
});
