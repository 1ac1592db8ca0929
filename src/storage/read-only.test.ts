import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { buildAsUserLibrary } from './index.ts';
import { asUserLibrary } from './native/build.ts';
import { canMakeUserNamespace, chooseTransport } from './transport.ts';

const work = mkdtempSync(join(tmpdir(), 'vtt-read-only-'));
const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
const { readonlyTransport } = chooseTransport({ virtiofsd: true, userNamespaces: true, kernelRelease: release() });

before(async () => {
  await buildAsUserLibrary(work);
  mkdirSync(join(work, 'folder'));
  chmodSync(join(work, 'folder'), 0o777);
  // The library knows virtiofsd by its name: a program that writes a file stands in for it.
  copyFileSync('/usr/bin/touch', join(work, 'virtiofsd'));
});
after(() => rmSync(work, { recursive: true, force: true }));

function writeAs(program: string): { status: number | null; stderr: string } {
  const unshare = ['--user', `--map-user=${uid}`, `--map-group=${gid}`, '--keep-caps', '--mount', '--'];
  const folder = join(work, 'folder');
  return spawnSync('unshare', [...unshare, program, join(folder, 'file')], {
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', LD_PRELOAD: join(work, asUserLibrary), VTORQUE_READ_ONLY: folder },
    encoding: 'utf8',
    timeout: 20_000,
  });
}

test('virtiofsd cannot write to a directory that it serves read-only, and nobody else is hindered', async (t) => {
  if (readonlyTransport === '9p') return t.skip(`Linux ${release()} has no mount_setattr`);
  if (!(await canMakeUserNamespace(uid, gid))) return t.skip('this user may make no user namespace');
  const server = writeAs(join(work, 'virtiofsd'));
  assert.match(server.stderr, /Read-only file system/);
  assert.equal(server.status, 1);
  assert.deepEqual(readdirSync(join(work, 'folder')), []);
  assert.equal(writeAs('/usr/bin/touch').status, 0);
  assert.deepEqual(readdirSync(join(work, 'folder')), ['file']);
});
