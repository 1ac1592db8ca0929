import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noRoom } from './no-room.ts';
import type { VmSpec } from './spec.ts';
import { aSpec } from './test-spec.ts';

const disk = { path: '/i/d.raw', format: 'raw' } as const;

test('noRoom() tells which disk of the guest has no room, and where that would be', () => {
  const message = (changes: Partial<VmSpec>, which: 'root' | 'data'): string => {
    const error = noRoom(aSpec({ name: 'vn1-1', ...changes }), 'script', which, '/var/tmp');
    assert.deepEqual([error.code, error.phase], ['E_NODE_DISK_FULL', 'script']);
    return error.message;
  };
  assert.match(message({ disk }, 'root'), /no space is left in "\/var\/tmp" of the node for what guest "vn1-1" writes/);
  const overlay = { fd: 6, room: 2 ** 30 };
  assert.match(message({ disk: { ...disk, overlay } }, 'root'), /the 1G of memory are full that fs_type=ramdisk has/);
  const data = { fd: 6, format: 'raw', keeps: true } as const;
  assert.match(message({ data }, 'data'), /no space is left in the directory of its disk's file .* to \/data$/);
  assert.match(message({ data: { ...data, keeps: false } }, 'data'), /of the node for scratch disks/);
});
