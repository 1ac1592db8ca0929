import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, chown, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { clearUp } from './clear-up.ts';
import { JOB_MARK, jobMark, type LeaseKey, temporaryPrefix } from './leases/lease.ts';

const key: LeaseKey = { engine: 'test', cluster: `c${process.pid}`, jobId: '1.head', attempt: '1', node: 'n1' };
const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root has other users to protect' };
const us = { name: 'us', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

async function aPlace(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'vtt-clear-'));
  await chmod(path, 0o1777);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const sleeper = (of: LeaseKey, uid = us.uid) =>
  spawn('sleep', ['1000'], { env: { PATH: '/usr/bin:/bin', [JOB_MARK]: jobMark(of) }, uid, stdio: 'ignore' });

test('processes of the run are ended, those of another run and of another job are not', async () => {
  await using place = await aPlace();
  const [own, otherRun, otherJob] = [key, { ...key, attempt: '2' }, { ...key, jobId: '2.head' }].map((of) =>
    sleeper(of),
  );
  assert.ok(own && otherRun && otherJob);
  await Promise.all([own, otherRun, otherJob].map((child) => once(child, 'spawn')));
  const ended = once(own, 'exit');
  await clearUp(key, us, [place.path]);
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  for (const child of [otherRun, otherJob]) {
    assert.equal(child.exitCode, null);
    const end = once(child, 'exit');
    child.kill('SIGKILL');
    await end;
  }
});

test('a mark does not get the processes of another user killed', asRoot, async () => {
  await using place = await aPlace();
  const child = sleeper(key, 65534);
  await once(child, 'spawn');
  await clearUp(key, { name: 'other', uid: 4242, gid: 4242 }, [place.path]);
  assert.equal(child.exitCode, null);
  const end = once(child, 'exit');
  child.kill('SIGKILL');
  await end;
});

test('temporary directories of the job are removed, and no link in them is followed', async () => {
  await using place = await aPlace();
  const own = join(place.path, `${temporaryPrefix(key)}a1b2c3`);
  const precious = join(place.path, 'precious');
  await mkdir(own);
  await mkdir(precious);
  await writeFile(join(precious, 'file'), '');
  await symlink(precious, join(own, 'link'));
  await clearUp(key, us, [place.path]);
  assert.deepEqual(await readdir(place.path), ['precious']);
  await access(join(precious, 'file'));
});

test('what bears the name of a job and is not its owner’s stays', asRoot, async () => {
  await using place = await aPlace();
  const [link, foreign] = [
    join(place.path, `${temporaryPrefix(key)}link`),
    join(place.path, `${temporaryPrefix(key)}x`),
  ];
  await symlink('/etc', link);
  await mkdir(foreign);
  await chown(foreign, 65534, 65534);
  await clearUp(key, { name: 'u', uid: 4242, gid: 4242 }, [place.path]);
  assert.equal((await readdir(place.path)).length, 2);
});
