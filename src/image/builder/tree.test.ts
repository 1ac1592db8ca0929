import assert from 'node:assert/strict';
import { lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { aSite } from '../test-support.ts';
import { writeInTree } from './tree.ts';

test('writeInTree() replaces a link instead of writing where it leads', async () => {
  await using site = await aSite();
  const outside = join(site.dir, 'outside');
  await writeFile(outside, 'mine');
  await mkdir(join(site.dir, 'tree/etc'), { recursive: true });
  await symlink(outside, join(site.dir, 'tree/etc/resolv.conf'));
  await writeInTree(join(site.dir, 'tree'), 'etc/resolv.conf', 'new', 0o644);
  assert.equal(await readFile(outside, 'utf8'), 'mine');
  assert.ok((await lstat(join(site.dir, 'tree/etc/resolv.conf'))).isFile());
});

test('writeInTree() goes through no linked directory and no way up', async () => {
  await using site = await aSite();
  await mkdir(join(site.dir, 'outside'));
  await mkdir(join(site.dir, 'tree'));
  await symlink(join(site.dir, 'outside'), join(site.dir, 'tree/etc'));
  for (const path of ['etc/hosts', '../hosts', '/hosts', 'a//b']) {
    await assert.rejects(writeInTree(join(site.dir, 'tree'), path, 'x', 0o644), /not a (directory|path)/, path);
  }
});

test('writeInTree() makes the directories that are missing', async () => {
  await using site = await aSite();
  await writeInTree(site.dir, 'etc/default/locale', 'LANG=C.UTF-8\n', 0o600);
  assert.equal((await lstat(join(site.dir, 'etc/default/locale'))).mode & 0o777, 0o600);
});
