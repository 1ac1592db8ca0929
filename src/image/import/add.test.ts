import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { imagePools } from '../catalogue.ts';
import { aSite } from '../test-support.ts';
import { type AddOptions, addImage } from './add.ts';

const MiB = 1024 ** 2;

async function qemuImg(...args: string[]): Promise<string> {
  return (await promisify(execFile)('qemu-img', args, { timeout: 60_000 })).stdout;
}

/** A place for images, and a raw disk that a BIOS would start. */
async function aSiteWithDisk() {
  const site = await aSite();
  const raw = join(site.dir, 'disk.raw');
  const sector = Buffer.alloc(512);
  sector.set([0xfa, 0x31, 0xc0], 0);
  sector.set([0x55, 0xaa], 510);
  await writeFile(raw, Buffer.concat([sector, Buffer.alloc(4096, 'data of the disk')]));
  await truncate(raw, 4 * MiB);
  const add = (file: string, change: Partial<AddOptions> = {}) =>
    addImage({
      ...{ file, name: 'cloud', description: 'a test', progress: () => {} },
      ...{ places: [site.places], own: site.places, ...change },
    });
  const pool = imagePools([site.places])[0] as string;
  return { ...site, raw, add, pool };
}

for (const [format, options] of [
  ['raw', []],
  ['qcow2', []],
  ['vmdk', ['-o', 'subformat=streamOptimized']],
  ['vdi', []],
  ['vhdx', []],
] as const) {
  test(`addImage() takes a disk of format ${format} and gives it back as it was`, async () => {
    await using site = await aSiteWithDisk();
    const file = join(site.dir, `disk.${format}x`);
    await qemuImg('convert', '-f', 'raw', '-O', format, ...options, site.raw, file);
    const { dir, manifest } = await site.add(file);
    assert.ok(manifest.boot === 'disk');
    assert.equal(manifest.origin.format, format);
    assert.equal(manifest.disk.virtualSize, 4 * MiB);
    const disk = await readFile(join(dir, manifest.disk.file));
    assert.equal(createHash('sha256').update(disk).digest('hex'), manifest.disk.sha256);
    const compared = await qemuImg('compare', '-f', 'raw', '-F', 'qcow2', site.raw, join(dir, manifest.disk.file));
    assert.match(compared, /Images are identical/);
    assert.deepEqual((await readdir(dir)).sort(), ['disk.qcow2', 'manifest.json', 'use.lock']);
  });
}

test('addImage() takes a disk with clusters that nothing uses, as whoever was interrupted leaves', async () => {
  await using site = await aSiteWithDisk();
  const file = join(site.dir, 'x');
  await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', site.raw, file);
  await addUnusedCluster(file);
  await assert.rejects(qemuImg('check', '-f', 'qcow2', file), { code: 3 });
  assert.equal((await site.add(file)).manifest.disk.virtualSize, 4 * MiB);
});

/** One more cluster of 64 KiB at the end of a qcow2 file, counted as used. */
async function addUnusedCluster(file: string): Promise<void> {
  const bytes = await readFile(file);
  const cluster = Math.ceil(bytes.length / 65536);
  const counts = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))));
  await truncate(file, (cluster + 1) * 65536);
  await using handle = await open(file, 'r+');
  await handle.write(Buffer.from([0, 1]), 0, 2, counts + 2 * cluster);
}

/** A VMDK of one file with a text at the end of its description. */
async function aVmdkWith(dir: string, raw: string, text: string): Promise<string> {
  const file = join(dir, 'x.vmdk');
  await qemuImg('convert', '-f', 'raw', '-O', 'vmdk', raw, file);
  await using handle = await open(file, 'r+');
  const description = await readFile(file);
  await handle.write(text, description.indexOf('\0', description.indexOf('# The Disk Data Base')), 'latin1');
  return file;
}

test('addImage() reads nothing but the file itself, whatever the description in a VMDK names', async () => {
  await using site = await aSiteWithDisk();
  const file = await aVmdkWith(site.dir, site.raw, '\nRW 8 FLAT "/etc/passwd" 0\ncreateType="monolithicFlat"\n');
  const { dir } = await site.add(file);
  const compared = await qemuImg('compare', '-f', 'raw', '-F', 'qcow2', site.raw, join(dir, 'disk.qcow2'));
  assert.match(compared, /Images are identical/);
});

/** Files that try to have something else read, or that nothing can be made of; each as a function that makes one. */
const hostile: readonly (readonly [string, (site: { dir: string; raw: string }) => Promise<string>, RegExp])[] = [
  [
    'qcow2 over a backing file',
    async ({ dir, raw }) => {
      await qemuImg('create', '-f', 'qcow2', '-b', raw, '-F', 'raw', join(dir, 'x'));
      return join(dir, 'x');
    },
    /it has a backing file/,
  ],
  [
    'qcow2 with its data in another file',
    async ({ dir }) => {
      await qemuImg('create', '-f', 'qcow2', '-o', `data_file=${join(dir, 'elsewhere')}`, join(dir, 'x'), '4M');
      return join(dir, 'x');
    },
    /its data is in another file/,
  ],
  [
    'a VMDK of several files',
    async ({ dir, raw }) => {
      await qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', raw, join(dir, 'x.vmdk'));
      return join(dir, 'x.vmdk');
    },
    /names other files/,
  ],
  [
    'a VMDK whose description names a parent',
    ({ dir, raw }) => aVmdkWith(dir, raw, '\nparentFileNameHint="/etc/passwd"\n'),
    /it has a backing file/,
  ],
  [
    'a disk that is larger than anybody has',
    async ({ dir }) => {
      await qemuImg('create', '-f', 'qcow2', join(dir, 'x'), '2T');
      return join(dir, 'x');
    },
    /the guest would see 2T, and the most is 1T/,
  ],
  [
    'qcow2 whose tables have no end',
    async ({ dir, raw }) => {
      const file = join(dir, 'x');
      await qemuImg('convert', '-f', 'raw', '-O', 'qcow2', raw, file);
      await using handle = await open(file, 'r+');
      await handle.write(Buffer.from([0x7f, 0xff, 0xff, 0xff]), 0, 4, 36);
      return file;
    },
    /Cannot add image/,
  ],
  ...(['qcow2', 'vmdk', 'vdi', 'vhdx'] as const).map(
    (format) =>
      [
        `half of a ${format} file`,
        async ({ dir, raw }: { dir: string; raw: string }) => {
          const file = join(dir, 'x');
          await writeFile(raw, Buffer.concat([(await readFile(raw)).subarray(0, 512), randomBytes(4 * MiB)]));
          await qemuImg('convert', '-f', 'raw', '-O', format, raw, file);
          const { size } = await stat(file);
          await truncate(file, Math.floor(size / 2));
          return file;
        },
        /damaged|truncated|missing/,
      ] as const,
  ),
  [
    'a raw disk whose partition ends beyond it',
    async ({ raw }) => {
      await using handle = await open(raw, 'r+');
      const entry = Buffer.from([0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 8, 0, 0, 0, 0x40, 0, 0]);
      await handle.write(entry, 0, entry.length, 446);
      return raw;
    },
    /its partitions reach 5M beyond its end/,
  ],
  [
    'a disk without a boot loader',
    async ({ dir }) => {
      await qemuImg('create', '-f', 'qcow2', join(dir, 'x'), '4M');
      return join(dir, 'x');
    },
    /no boot loader/,
  ],
  ['a link to a text', async ({ dir }) => symlink('/etc/passwd', join(dir, 'x')).then(() => join(dir, 'x')), /no disk/],
  ['a directory', async ({ dir }) => mkdir(join(dir, 'x')).then(() => join(dir, 'x')), /it is no file/],
  ['a device', async () => '/dev/zero', /it is no file/],
  ['what is not there', async ({ dir }) => join(dir, 'x'), /there is no such file/],
];

for (const [what, make, message] of hostile) {
  test(`addImage() refuses ${what}, and leaves nothing`, async () => {
    await using site = await aSiteWithDisk();
    await assert.rejects(site.add(await make(site)), { code: 'E_IMAGE_FILE', message });
    assert.deepEqual(
      (await readdir(site.pool).catch(() => [])).filter((name) => name !== '.lock'),
      [],
    );
  });
}

test('addImage() never takes the place of an image', async () => {
  await using site = await aSiteWithDisk();
  await site.add(site.raw);
  await assert.rejects(site.add(site.raw), { code: 'E_IMAGE_EXISTS' });
  await assert.rejects(site.add(site.raw, { name: 'host' }), { code: 'E_IMAGE_EXISTS' });
});

test('addImage() takes no name that leads out of the pool', async () => {
  await using site = await aSiteWithDisk();
  for (const name of ['../x', '/x', '.x', '']) {
    await assert.rejects(site.add(site.raw, { name }), { code: 'E_IMAGE_NAME', exitCode: 2 });
  }
});
