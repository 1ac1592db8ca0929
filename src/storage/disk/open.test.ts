import assert from 'node:assert/strict';
import { mkdir, mkdtemp, open, readdir, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readSuperblock, SUPERBLOCK } from './ext.ts';
import { formatHere } from './format.ts';
import { checkDiskFile, type DiskOptions, openDisk } from './open.ts';
import { emptyQcow2 } from './qcow2.ts';
import { scratchFile } from './scratch.ts';

const MiB = 1024 ** 2;
let directory: string;
let options: DiskOptions;
const at = (name: string): string => join(directory, name);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'vtt-disk-'));
  options = { holder: { job: '1.server', node: 'n1' }, locks: at('locks'), scratch: directory };
});
after(() => rm(directory, { recursive: true, force: true }));

test('a scratch disk has its size, no name, and takes no space', async () => {
  const before = await readdir(directory);
  await using disk = await openDisk({ size: 64 * MiB }, options);
  const { size, blocks, nlink } = await disk.file.stat();
  assert.deepEqual([size, blocks, nlink], [64 * MiB, 0, 0]);
  assert.deepEqual([disk.blank, disk.keeps, disk.format], [true, false, 'raw']);
  assert.deepEqual(await readdir(directory), before);
});

test('a scratch disk in a directory that is not there is refused with the directory', async () => {
  await assert.rejects(openDisk({ size: MiB }, { ...options, scratch: at('none') }), {
    code: 'E_SCRATCH',
    message: `Cannot keep temporary files in "${at('none')}": there is no such directory`,
  });
});

test('a file that is missing is made with its size, raw or qcow2, for its owner alone; then it is as it was left', async () => {
  for (const name of ['new.raw', 'new.qcow2']) {
    {
      await using disk = await openDisk({ file: at(name), size: 64 * MiB }, options);
      assert.deepEqual([disk.blank, disk.keeps, disk.format], [true, true, name.slice(4)]);
      await disk.file.write(Buffer.from([1]), 0, 1, disk.format === 'raw' ? MiB : 3 * 65536);
    }
    const { mode, size } = await stat(at(name));
    assert.equal(mode & 0o777, 0o600);
    await using again = await openDisk({ file: at(name), size: 128 * MiB }, options);
    assert.equal(again.blank, false);
    assert.equal((await again.file.stat()).size, size);
  }
});

test('a raw disk full of zeros is blank, one with a byte somewhere is not', async () => {
  await writeFile(at('zeros.img'), Buffer.alloc(9 * MiB));
  await using disk = await openDisk({ file: at('zeros.img') }, options);
  assert.equal(disk.blank, true);
  await disk.file.write(Buffer.from([7]), 0, 1, 9 * MiB - 1);
  await disk[Symbol.asyncDispose]();
  await using full = await openDisk({ file: at('zeros.img') }, options);
  assert.equal(full.blank, false);
});

test('a raw disk gets a file system here', async () => {
  await using disk = await openDisk({ size: 32 * MiB }, options);
  assert.equal(await formatHere(disk, { uid: 1, gid: 1 }), true);
  const { buffer } = await disk.file.read(Buffer.alloc(SUPERBLOCK.length), 0, SUPERBLOCK.length, SUPERBLOCK.offset);
  assert.deepEqual(readSuperblock(buffer), { clean: true, errors: false });
});

test('what cannot be used is refused with the reason, and left as it was', async () => {
  const backing = emptyQcow2(MiB);
  backing.writeBigUInt64BE(104n, 8);
  await writeFile(at('backing.qcow2'), backing);
  await writeFile(at('named.raw'), emptyQcow2(MiB));
  await writeFile(at('text.qcow2'), 'no disk at all');
  await writeFile(at('empty.raw'), '');
  await mkdir(at('folder.raw'));
  await symlink('nowhere', at('link.raw'));
  const refused = async (name: string, message: RegExp): Promise<void> => {
    await assert.rejects(openDisk({ file: at(name) }, options), { code: 'E_DISK_FILE', message });
    await assert.rejects(checkDiskFile(at(name)), { code: 'E_DISK_FILE', message });
  };
  await refused('backing.qcow2', /it has a backing file$/);
  await refused('named.raw', /by its name it is a raw disk, and its content is qcow2$/);
  await refused('text.qcow2', /it is no qcow2 file$/);
  await refused('empty.raw', /it is empty$/);
  await refused('folder.raw', /it is a directory$/);
  await refused('none.raw', /there is none on this node$/);
  await refused('link.raw', /there is none on this node$/);
  await assert.rejects(openDisk({ file: at('none/new.raw'), size: MiB }, options), /there is no such directory/);
  assert.equal((await stat(at('empty.raw'))).size, 0);
});

test('a disk is let go when it could not be used', async () => {
  await (await open(at('again.qcow2'), 'w')).close();
  await truncate(at('again.qcow2'), MiB);
  for (const _ of [1, 2]) await assert.rejects(openDisk({ file: at('again.qcow2') }, options), /no qcow2 file$/);
});

test('checkDiskFile() takes what is not there where another machine may have it, or where it is to be made', async () => {
  await checkDiskFile(at('later.raw'), 0, 'allowed');
  await checkDiskFile(at('later.raw'), MiB);
  await checkDiskFile(at('zeros.img'));
});

test('a temporary file begins with what it is to begin with, and is as long as it may grow', async () => {
  await using file = await scratchFile(directory, MiB, emptyQcow2(64 * MiB));
  const { size, nlink } = await file.stat();
  assert.deepEqual([size, nlink], [MiB, 0]);
  const { buffer } = await file.read({ buffer: Buffer.alloc(4), position: 0 });
  assert.equal(buffer.toString('latin1'), 'QFI\xfb');
});
