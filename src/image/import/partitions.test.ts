import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { missingSectors } from './partitions.ts';

interface Partition {
  readonly status?: number;
  readonly kind?: number;
  readonly start: number;
  readonly count: number;
}

function aBootSector(...partitions: readonly Partition[]): Buffer {
  const sector = Buffer.alloc(512);
  partitions.forEach(({ status = 0x80, kind = 0x83, start, count }, index) => {
    const at = 446 + 16 * index;
    sector[at] = status;
    sector[at + 4] = kind;
    sector.writeUInt32LE(start, at + 8);
    sector.writeUInt32LE(count, at + 12);
  });
  return sector;
}

test('missingSectors() is 0 for partitions that end with the disk', () => {
  assert.equal(missingSectors(aBootSector({ start: 2048, count: 6144 }), 8192 * 512), 0);
});

test('missingSectors() tells how much of the last partition is not there', () => {
  const sector = aBootSector({ start: 2048, count: 2048 }, { status: 0, start: 4096, count: 4096 });
  assert.equal(missingSectors(sector, 5000 * 512), 3192);
});

test('missingSectors() takes no count that means a disk of unknown size, and no text, for a partition', () => {
  assert.equal(missingSectors(aBootSector({ status: 0, kind: 0xee, start: 1, count: 0xffff_ffff }), 512), 0);
  assert.equal(missingSectors(aBootSector({ status: 0x41, start: 0x41414141, count: 0x41414141 }), 512), 0);
});

test('missingSectors() is 0 exactly when the disk reaches the end of every partition', () => {
  const whole = fc.integer({ min: 1, max: 2 ** 30 });
  const partition = fc.record({ start: whole, count: whole });
  fc.assert(
    fc.property(fc.array(partition, { minLength: 1, maxLength: 4 }), whole, (partitions, sectors) => {
      const end = Math.max(...partitions.map(({ start, count }) => start + count));
      assert.equal(missingSectors(aBootSector(...partitions), sectors * 512), Math.max(0, end - sectors));
    }),
  );
});
