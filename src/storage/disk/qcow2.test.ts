import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { emptyQcow2, judgeQcow2 } from './qcow2.ts';

const directory = mkdtempSync(join(tmpdir(), 'vtt-qcow2-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const MiB = 1024 ** 2;

test('emptyQcow2() makes disks that qemu-img finds right, of any size', () => {
  for (const size of [MiB, 3 * 1024 * MiB, 7 * 1024 ** 2 * MiB + 512]) {
    const file = join(directory, 'new.qcow2');
    writeFileSync(file, emptyQcow2(size));
    execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', file]);
    const info = JSON.parse(execFileSync('qemu-img', ['info', '--output=json', file], { encoding: 'utf8' }));
    assert.deepEqual([info['virtual-size'], info.format], [size, 'qcow2']);
  }
});

test('emptyQcow2() is a file that judgeQcow2() takes, with an empty table', () => {
  const file = emptyQcow2(100 * MiB);
  const verdict = judgeQcow2(file);
  assert.equal(verdict.kind, 'usable');
  if (verdict.kind !== 'usable') return;
  const { offset, length } = verdict.l1;
  assert.deepEqual(file.subarray(offset, offset + length), Buffer.alloc(8));
});

test('judgeQcow2() refuses what leads to other files, and what cannot be written', () => {
  const reason = (change: (header: Buffer) => void): string | undefined => {
    const header = emptyQcow2(MiB);
    change(header);
    const verdict = judgeQcow2(header);
    return verdict.kind === 'refused' ? verdict.reason : undefined;
  };
  assert.equal(
    reason(() => {}),
    undefined,
  );
  assert.match(reason((h) => h.writeUInt8(0, 0)) ?? '', /no qcow2 file/);
  assert.match(reason((h) => h.writeUInt32BE(4, 4)) ?? '', /unknown version 4/);
  assert.match(reason((h) => h.writeBigUInt64BE(104n, 8)) ?? '', /backing file/);
  assert.match(reason((h) => h.writeUInt32BE(1, 32)) ?? '', /encrypted/);
  assert.match(reason((h) => h.writeBigUInt64BE(4n, 72)) ?? '', /in another file/);
  assert.match(reason((h) => h.writeBigUInt64BE(2n, 72)) ?? '', /damaged/);
  assert.match(judgeQcow2(Buffer.alloc(0)).kind, /refused/);
});
