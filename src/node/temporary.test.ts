import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { jobMark, type LeaseKey } from './leases/lease.ts';
import { makeTemporary, markedDirectories } from './temporary.ts';

const key: LeaseKey = { engine: 'torque', cluster: 'head', jobId: '121[1].head', attempt: '1', node: 'n1.site' };
const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root has other users' };
let place: string;
before(async () => {
  place = await mkdtemp(join(tmpdir(), 'vtt-temporary-'));
});
after(() => rm(place, { recursive: true }));

test('the temporary directory of a job tells whose it is', async () => {
  const path = await makeTemporary(place, key);
  const [found, ...others] = await markedDirectories([place]);
  assert.deepEqual(others, []);
  assert.deepEqual({ path: found?.path, uid: found?.uid, key: found?.key }, { path, uid: process.getuid?.(), key });
  assert.ok(Math.abs((found?.at ?? 0) - Date.now()) < 60_000);
  await rm(path, { recursive: true });
});

test('where there is no place for it that is told, with a remedy', async () => {
  await assert.rejects(makeTemporary(join(place, 'none'), key), {
    code: 'E_NODE_TEMPORARY',
    message: /^Cannot make a directory in ".*\/none": there is no such/,
    hint: /admin/,
  });
});

test('what only looks like one is none: links, pipes, files without a mark', async () => {
  const elsewhere = join(place, 'elsewhere');
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, 'job'), jobMark(key));
  await symlink(elsewhere, join(place, 'vtorque-link'));
  for (const name of ['vtorque-empty', 'vtorque-linked', 'vtorque-pipe', 'vtorque-words', 'vtorque-long']) {
    await mkdir(join(place, name));
  }
  await symlink(join(elsewhere, 'job'), join(place, 'vtorque-linked/job'));
  execFileSync('mkfifo', [join(place, 'vtorque-pipe/job')]);
  await writeFile(join(place, 'vtorque-words/job'), 'some words');
  await writeFile(join(place, 'vtorque-long/job'), `${jobMark(key)}${' '.repeat(2000)}`);
  await writeFile(join(place, 'vtorque-file'), jobMark(key));
  assert.deepEqual(await markedDirectories([place]), []);
});

test('a mark that somebody else has put there counts for nothing', asRoot, async () => {
  const path = await makeTemporary(place, key);
  await chown(path, 65534, 65534);
  assert.deepEqual(await markedDirectories([place]), []);
});
