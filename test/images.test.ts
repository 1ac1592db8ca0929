// Images as a user manages them: added, described, verified, used by a job, and deleted only when no job uses them.
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { execute } from './support/cluster.ts';
import { ensureImage } from './support/images.ts';
import { useCluster } from './support/use-cluster.ts';

let pool: string;

const cluster = useCluster({
  beforeStart: () => ensureImage('debian-12'),
  whenStarted: ({ user }, ending) => {
    pool = join(user.home, '.local/share/vtorque/images');
    // The one who runs the tests may be the user himself, with images of his own.
    for (const name of ['mine', 'copied']) {
      ending.defer(() => rm(join(pool, name), { recursive: true, force: true }));
    }
  },
});

test('a user adds, describes, verifies and deletes an image of his own', async () => {
  const sector = Buffer.alloc(512, 0x90);
  sector.set([0x55, 0xaa], 510);
  await writeFile(join(cluster.work, 'my disk.img'), Buffer.concat([sector, Buffer.alloc(1024 ** 2)]));
  const vmgr = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cluster.run(['vmgr', ...args]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  await vmgr('add', 'my disk.img', 'my', 'own', 'system', '--name', 'mine');
  assert.match(await vmgr('show', 'images'), /^mine +boots itself +its own +1 MB +my own system$/m);
  await vmgr('update', 'mine', 'with "quotes" and $HOME');
  assert.match(await vmgr('show', 'image', 'mine'), /^description +with "quotes" and \$HOME$/m);
  assert.equal((await cluster.run(['vtorque', 'image', 'verify', 'mine'])).code, 0);
  await writeFile(join(pool, 'mine/disk.qcow2'), 'something else');
  const { code, stderr } = await cluster.run(['vtorque', 'image', 'verify', 'mine']);
  assert.equal(code, 1);
  assert.match(stderr, /its disk is not the one of its manifest/);
  await vmgr('delete', 'image', 'mine');
  assert.ok(!(await readdir(pool)).includes('mine'));
});

test('a user cannot delete or change an image of the machine', async () => {
  for (const command of [
    ['delete', 'image', 'debian-12'],
    ['update', 'debian-12', 'mine now'],
  ]) {
    const { code, stderr } = await cluster.run(['vmgr', ...command]);
    assert.equal(code, 1);
    assert.match(stderr, /is not this user's/);
  }
});

test('an image that a job runs in cannot be deleted until the job has ended', async () => {
  await copyImage('copied');
  const script = '#!/bin/sh\ncd "$PBS_O_WORKDIR"\necho > started\nwhile [ ! -e go ]; do sleep 0.1; done\nexit 5\n';
  const id = await cluster.submit(['-vm', 'img=copied,vcpus=1,ram=512M'], script);
  await cluster.appears('started');
  const refused = await cluster.run(['vmgr', 'delete', 'image', 'copied']);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /a running job uses it/);
  assert.match((await cluster.run(['vmgr', 'show', 'image', 'copied'])).stdout, /^in use +by a running job$/m);
  await writeFile(join(cluster.work, 'go'), '');
  assert.equal((await cluster.wait(id)).exitStatus, 5);
  const deleted = await cluster.run(['vmgr', 'delete', 'image', 'copied']);
  assert.equal(deleted.code, 0, deleted.stderr);
});

/** Copy the machine's image into the user's pool. */
async function copyImage(name: string): Promise<void> {
  const target = join(pool, name);
  await mkdir(pool, { recursive: true });
  await cp('/var/lib/vtorque/images/debian-12', target, { recursive: true });
  const manifest = JSON.parse(await readFile(join(target, 'manifest.json'), 'utf8'));
  await writeFile(join(target, 'manifest.json'), JSON.stringify({ ...manifest, name }));
  const { uid, gid, home } = cluster.user;
  await execute(['chown', '-R', `${uid}:${gid}`, join(home, '.local')], {});
}
