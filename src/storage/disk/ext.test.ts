import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { mkfsArguments, readSuperblock, SUPERBLOCK } from './ext.ts';

const directory = mkdtempSync(join(tmpdir(), 'vtt-ext-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const env = { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' };

function superblock(file: string): Uint8Array {
  return readFileSync(file).subarray(SUPERBLOCK.offset, SUPERBLOCK.offset + SUPERBLOCK.length);
}

test('a file system of mkfsArguments() is clean, and its root is the owner of the job', () => {
  const file = join(directory, 'new.raw');
  const fd = openSync(file, 'w');
  ftruncateSync(fd, 16 * 1024 ** 2);
  closeSync(fd);
  execFileSync('mkfs.ext4', mkfsArguments(file, { uid: 4242, gid: 4343 }), { env });
  assert.deepEqual(readSuperblock(superblock(file)), { clean: true, errors: false });
  execFileSync('e2fsck', ['-f', '-n', file], { env, stdio: 'ignore' });
  const root = execFileSync('debugfs', ['-R', 'stat <2>', file], { env, encoding: 'utf8', stdio: 'pipe' });
  assert.match(root, /User:\s+4242\s+Group:\s+4343/);
});

test('readSuperblock() tells a file system that was not unmounted, one with errors, and none', () => {
  const block = Buffer.alloc(SUPERBLOCK.length);
  assert.equal(readSuperblock(block), undefined);
  assert.equal(readSuperblock(Buffer.alloc(3)), undefined);
  block.writeUInt16LE(0xef53, 56);
  block.writeUInt16LE(1, 58);
  assert.deepEqual(readSuperblock(block), { clean: true, errors: false });
  block.writeUInt32LE(4, 96);
  assert.deepEqual(readSuperblock(block), { clean: false, errors: false });
  block.writeUInt16LE(3, 58);
  assert.deepEqual(readSuperblock(block), { clean: false, errors: true });
});
