import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkImageRam } from './min-ram.ts';
import { aManifest } from './test-support.ts';
import type { DiskEntry } from './types.ts';

const GiB = 1024 ** 3;

function anEntry(minRam?: number): DiskEntry {
  const manifest = aManifest(minRam === undefined ? {} : { minRam });
  return { kind: 'disk', name: 'mine', description: '', pool: '/p', dir: '/p/mine', manifest };
}

test('checkImageRam() refuses less memory than the image needs', () => {
  assert.throws(() => checkImageRam(anEntry(GiB), GiB / 2), {
    code: 'E_IMAGE_RAM',
    message: 'Cannot use ram=512M with image "mine": it needs 1G',
    hint: 'Ask for ram=1G or more',
  });
});

test('checkImageRam() takes what is enough, and anything for an image of which nobody knows', () => {
  checkImageRam(anEntry(GiB), GiB);
  checkImageRam(anEntry(), 1);
  checkImageRam({ kind: 'host', name: 'host', description: '' }, 1);
});
