import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { whyNotTrusted } from './trust.ts';

const me = process.getuid?.() ?? 0;
const onlyRoot = me === 0 ? false : 'only root can give a file to somebody else';

async function aFile(): Promise<AsyncDisposable & { dir: string; file: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'vtorque-trust-'));
  const file = join(dir, 'kernel');
  await writeFile(file, 'x');
  await chmod(file, 0o644);
  return { dir, file, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}

test('a file of my own in a directory of my own is trusted, also below a sticky directory', async () => {
  await using at = await aFile();
  assert.equal(await whyNotTrusted(at.file, me), undefined);
});

test('a file that the group or all may write is not trusted', async () => {
  await using at = await aFile();
  for (const mode of [0o664, 0o646]) {
    await chmod(at.file, mode);
    assert.match((await whyNotTrusted(at.file, me)) ?? '', /may be written by others/);
  }
});

test('a file in a directory that others may write is not trusted', async () => {
  await using at = await aFile();
  await chmod(at.dir, 0o777);
  assert.match((await whyNotTrusted(at.file, me)) ?? '', /may be written by others/);
});

test('a link is as trusted as where it leads', async () => {
  await using at = await aFile();
  await using other = await aFile();
  await symlink(other.file, join(at.dir, 'link'));
  assert.equal(await whyNotTrusted(join(at.dir, 'link'), me), undefined);
  await chmod(other.dir, 0o777);
  assert.match((await whyNotTrusted(join(at.dir, 'link'), me)) ?? '', /may be written by others/);
});

test('what is not there is not trusted, and the reason says so', async () => {
  assert.equal(await whyNotTrusted('/nonexistent/vmlinux', me), '"/nonexistent/vmlinux": ENOENT');
});

test('what belongs to root is trusted by all, what belongs to another user by nobody else', {
  skip: onlyRoot,
}, async () => {
  await using at = await aFile();
  assert.equal(await whyNotTrusted(at.file, 4711), undefined);
  await chown(at.file, 4712, 4712);
  assert.equal(await whyNotTrusted(at.file, 4711), `"${at.file}" belongs to uid 4712`);
  assert.equal(await whyNotTrusted(at.file, 4712), undefined);
});

test('a link of another user is not trusted, wherever it leads', { skip: onlyRoot }, async () => {
  await using at = await aFile();
  const theirs = join(at.dir, 'theirs');
  await mkdir(theirs);
  await chown(theirs, 4712, 4712);
  await symlink(at.file, join(theirs, 'link'));
  assert.match((await whyNotTrusted(join(theirs, 'link'), 4711)) ?? '', /belongs to uid 4712/);
});
