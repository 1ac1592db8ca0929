import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { installRoot } from '../site/index.ts';

// An ordinary user's pool; as root there is only the machine's own, which no test may touch.
const skip = process.getuid?.() === 0 && 'runs as root; test/images.test.ts does this as a user';

let home: string;

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'vtt-vmgr-'));
});
after(() => rm(home, { recursive: true, force: true }));

/** Run vmgr as somebody with an empty home. */
function vmgr(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH, HOME: home, NO_COLOR: '1' };
    execFile(join(installRoot, 'bin/vmgr'), args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test('vmgr without a subcommand shows its usage and ends with 2', async () => {
  const { code, stderr } = await vmgr();
  assert.equal(code, 2);
  assert.match(stderr, /^Usage: vmgr/);
});

test('vmgr knows what was meant', async () => {
  const { code, stderr } = await vmgr('shwo', 'images');
  assert.equal(code, 2);
  assert.match(stderr, /Did you mean show/);
});

test('vmgr show images lists the guest that is always there', async () => {
  const { code, stdout } = await vmgr('show', 'images');
  assert.equal(code, 0);
  assert.match(stdout, /^NAME +SYSTEM +KERNEL +SIZE +DESCRIPTION\nhost /);
});

test('vmgr show images --json has the facts of every guest', async () => {
  const { stdout } = await vmgr('show', 'images', '--json');
  const [host] = JSON.parse(stdout).images;
  assert.deepEqual([host.name, host.kind], ['host', 'host']);
});

test('vmgr show image lists what there is when there is none of the name', async () => {
  const { code, stderr } = await vmgr('show', 'image', 'hots');
  assert.equal(code, 1);
  assert.match(stderr, /no such image\n +hint: Did you mean "host"\?/);
});

test('vmgr show suspended says that there are none, also as JSON', async () => {
  assert.match((await vmgr('show', 'suspended', '--user', 'me')).stdout, /There are no suspended jobs/);
  assert.deepEqual(JSON.parse((await vmgr('show', 'suspended', '--json')).stdout), { suspended: [] });
});

test('vmgr delete suspended fails, since there are none', async () => {
  const { code, stderr } = await vmgr('delete', 'suspended', 'x', '--json');
  assert.equal(code, 1);
  assert.equal(JSON.parse(stderr).error.code, 'E_SUSPENDED_UNKNOWN');
});

test('vmgr show config names the places of images, and the values of the site', async () => {
  const { code, stdout } = await vmgr('show', 'config', '--json');
  assert.equal(code, 0);
  const { imagePools, site } = JSON.parse(stdout);
  assert.ok(imagePools.includes('/var/lib/vtorque/images'));
  assert.ok(site.values.some(({ key }: { key: string }) => key === 'vm.accelerator'));
});

test('vmgr delete never follows a name out of the pool', async () => {
  const { code, stderr } = await vmgr('delete', 'image', '../../etc');
  assert.equal(code, 2);
  assert.match(stderr, /as the name of an image/);
});

test('vmgr adds, describes, shows and deletes an image', { skip }, async () => {
  const disk = join(home, 'my disk.raw');
  const sector = Buffer.alloc(512, 0x90);
  sector.set([0x55, 0xaa], 510);
  await writeFile(disk, Buffer.concat([sector, Buffer.alloc(1024 ** 2)]));
  assert.equal((await vmgr('add', disk, 'my', 'own', 'system', '--name', 'mine')).code, 0);
  assert.equal((await vmgr('update', 'mine', 'with "quotes"')).code, 0);
  assert.match((await vmgr('show', 'image', 'mine')).stdout, /description +with "quotes"/);
  assert.equal((await vmgr('delete', 'image', 'mine')).code, 0);
  assert.deepEqual(await readdir(join(home, '.local/share/vtorque/images')), ['.lock']);
});
