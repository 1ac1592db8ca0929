import assert from 'node:assert/strict';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { run } from '../run.ts';
import { aKernel, aSite } from '../test-support.ts';
import { ensureInitrd, initrdName } from './ensure.ts';

async function aSetting(): Promise<AsyncDisposable & { kernel: { dir: string }; agent: string; dir: string }> {
  const site = await aSite();
  const kernel = { dir: join(site.places.cache, 'kernel/6.1.0-1-amd64') };
  await aKernel(kernel.dir);
  const agent = join(site.dir, 'agent');
  await writeFile(agent, 'the agent');
  return {
    kernel,
    agent,
    dir: join(site.places.cache, 'initrd'),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
}

test('ensureInitrd() makes an archive with the agent, the modules and their load orders', async () => {
  await using setting = await aSetting();
  const path = await ensureInitrd(setting);
  const unpack = async (file: string): Promise<string> =>
    (
      await run(['cpio', '--extract', '--to-stdout', '--quiet', '-I', path, file], {
        withinMs: 10_000,
      })
    ).toString();
  assert.equal(await unpack('init'), 'the agent');
  assert.equal(await unpack('mods/ext4.ko'), 'module ext4.ko');
  assert.equal(await unpack('mods/disk.order'), 'virtio.ko\next4.ko\n');
  assert.equal(await unpack('mods/net.order'), '');
});

test('ensureInitrd() makes a file that all may read, under the name that initrdName() tells', async () => {
  await using setting = await aSetting();
  const path = await ensureInitrd(setting);
  assert.equal(basename(path), await initrdName(setting.kernel.dir, setting.agent));
  assert.equal((await stat(path)).mode & 0o777, 0o644);
});

test('ensureInitrd() leaves alone what is there', async () => {
  await using setting = await aSetting();
  const first = await stat(await ensureInitrd(setting));
  const second = await stat(await ensureInitrd(setting));
  assert.equal(second.ino, first.ino);
});

test('ensureInitrd() makes one file when it is called many times at once', async () => {
  await using setting = await aSetting();
  const paths = await Promise.all(Array.from({ length: 8 }, () => ensureInitrd(setting)));
  assert.equal(new Set(paths).size, 1);
  assert.equal((await readdir(setting.dir)).filter((name) => !name.startsWith('.')).length, 1);
});

test('ensureInitrd() makes another one for another agent, and keeps the first while it is young', async () => {
  await using setting = await aSetting();
  const first = await ensureInitrd(setting);
  await writeFile(setting.agent, 'a newer agent');
  const second = await ensureInitrd(setting);
  assert.notEqual(second, first);
  assert.ok((await stat(first)).isFile());
});

test('ensureInitrd() removes what nobody has used for a long time', async () => {
  await using setting = await aSetting();
  const first = await ensureInitrd(setting);
  const longAgo = new Date('2020-01-01');
  await utimes(first, longAgo, longAgo);
  await writeFile(setting.agent, 'a newer agent');
  const second = await ensureInitrd(setting);
  assert.deepEqual(
    (await readdir(setting.dir)).filter((name) => name.endsWith('.cpio')),
    [basename(second)],
  );
});

test('ensureInitrd() names the agent that is missing', async () => {
  await using setting = await aSetting();
  const agent = join(setting.dir, 'none');
  await assert.rejects(ensureInitrd({ ...setting, agent }), { code: 'E_AGENT_MISSING' });
});
