import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { type GuestAgent, GuestCallError } from '../../guest/linux/index.ts';
import { type DataVolume, mountData, unmountData } from './data-disk.ts';

const ENOENT = 2;
const EBUSY = 16;
const EINVAL = 22;
const owner = { uid: 1000, gid: 100 };
const volume: DataVolume = { name: '"/w/d.raw"', blank: false, keeps: true, owner, guest: 'disk' };

/** A superblock of ext4. */
function ext({ state = 1, incompatible = 0 } = {}): Buffer {
  const block = Buffer.alloc(1024);
  block.writeUInt16LE(0xef53, 56);
  block.writeUInt16LE(state, 58);
  block.writeUInt32LE(incompatible, 96);
  return block;
}

interface Guest {
  readonly superblock?: Buffer;
  /** Errno of each attempt to unmount, the last of them for all that follow; none: it works. */
  readonly unmount?: readonly (number | undefined)[];
  readonly exitCodes?: Readonly<Record<string, number>>;
}

/** A guest whose second disk is the data disk. */
function aGuest({ superblock = ext(), unmount = [undefined], exitCodes = {} }: Guest = {}) {
  const told: string[] = [];
  const left = [...unmount];
  const agent = {
    readFile: async (path: string) => {
      if (path === '/sys/block/vdb/serial') return Buffer.from('vtorque-data');
      if (path === '/sys/block/vda/serial') return Buffer.from('');
      throw new GuestCallError(`read "${path}"`, ENOENT, '');
    },
    call: async (name: string, args: readonly string[]) => {
      told.push(`${name} ${args.join(' ')}`);
      return [superblock];
    },
    mount: async ({ source, target, type, flags, options }: Record<string, unknown>) => {
      told.push(`mount ${source} ${target} ${type} ${flags} ${options}`);
    },
    umount: async (path: string, flags = 0) => {
      const errno = flags === 0 ? (left.length > 1 ? left.shift() : left[0]) : undefined;
      told.push(`umount ${path} ${flags}`);
      if (errno !== undefined) throw new GuestCallError('unmount', errno, '');
    },
    sync: async () => {
      told.push('sync');
    },
    exec: ({ argv, uid }: { argv: readonly string[]; uid: number }) => {
      told.push(`exec ${argv[0]} as ${uid}`);
      const [stdout, stderr] = [new PassThrough().end(), new PassThrough().end('what it says\n')];
      return { stdout, stderr, signal: () => {}, exit: Promise.resolve({ code: exitCodes[argv[0] ?? ''] ?? 0 }) };
    },
  };
  return { agent: agent as unknown as GuestAgent, told };
}

test('mountData() finds the disk by its serial number, mounts its file system at /data, and gives it to its user', async () => {
  const { agent, told } = aGuest();
  await mountData(agent, volume);
  assert.deepEqual(told, [
    'read /dev/vdb 1024 1024',
    'mount /dev/vdb /data ext4 6 errors=remount-ro',
    'exec /bin/sh as 0',
  ]);
});

test('mountData() makes a file system where there is nothing, and loads the driver in a system of its own', async () => {
  const { agent, told } = aGuest();
  await mountData(agent, { ...volume, blank: true, guest: 'cloud' });
  assert.deepEqual(told.slice(0, 2), ['exec modprobe as 0', 'exec mkfs.ext4 as 0']);
});

test('mountData() leaves alone what is no file system, or one with errors', async () => {
  const nothing = aGuest({ superblock: Buffer.alloc(1024) });
  await assert.rejects(mountData(nothing.agent, volume), {
    code: 'E_DISK_CONTENT',
    message: 'Cannot use disk="/w/d.raw": it is not empty, and has no ext2, ext3 or ext4 file system',
  });
  const faulty = aGuest({ superblock: ext({ state: 3 }) });
  await assert.rejects(mountData(faulty.agent, volume), { code: 'E_DISK_ERRORS', phase: 'storage' });
  for (const { told } of [nothing, faulty]) assert.deepEqual(told, ['read /dev/vdb 1024 1024']);
});

test('mountData() says what the program says that cannot make a file system', async () => {
  const { agent } = aGuest({ exitCodes: { 'mkfs.ext4': 1 } });
  await assert.rejects(mountData(agent, { ...volume, blank: true }), {
    code: 'E_DISK_FORMAT',
    message: 'Cannot make a file system in disk="/w/d.raw": mkfs.ext4: exit code 1',
    details: ['what it says'],
  });
});

test('unmountData() takes a disk that is unmounted already, and looks whether it is clean', async () => {
  const { agent, told } = aGuest({ unmount: [EINVAL] });
  await unmountData(agent, volume);
  assert.deepEqual(told, ['umount /data 0', 'read /dev/vdb 1024 1024']);
});

test('unmountData() ends what the user has left running, and then unmounts', async () => {
  const { agent, told } = aGuest({ unmount: [EBUSY, EINVAL] });
  await unmountData(agent, volume);
  assert.deepEqual(told.slice(0, 3), ['umount /data 0', 'exec /bin/sh as 1000', 'umount /data 0']);
});

test('unmountData() tells a disk that is not clean, or has errors', async () => {
  const mounted = aGuest({ superblock: ext({ incompatible: 4 }) });
  await assert.rejects(unmountData(mounted.agent, volume), { code: 'E_DISK_UNCLEAN', phase: 'tear-down' });
  const faulty = aGuest({ superblock: ext({ state: 3 }) });
  await assert.rejects(unmountData(faulty.agent, volume), { code: 'E_DISK_ERRORS', phase: 'tear-down' });
});
