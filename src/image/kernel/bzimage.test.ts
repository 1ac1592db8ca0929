import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { hasPvhEntry, payloadOf, releaseOf } from './bzimage.ts';
import { anElf } from './test-elf.ts';
import { extractVmlinux } from './unpack.ts';

/** A bzImage with `setupSectors` of boot code before a packed kernel. */
function aBzImage({
  packed,
  size,
  setupSectors = 3,
}: {
  packed: Buffer;
  size?: number;
  setupSectors?: number;
}): Buffer {
  const trailer = Buffer.alloc(size === undefined ? 0 : 4);
  if (size !== undefined) trailer.writeUInt32LE(size);
  const padding = 37;
  const start = (setupSectors + 1) * 512;
  const image = Buffer.concat([Buffer.alloc(start + padding), packed, trailer, Buffer.alloc(100)]);
  image.writeUInt8(setupSectors, 0x1f1);
  image.write('HdrS', 0x202);
  image.writeUInt32LE(padding, 0x248);
  image.writeUInt32LE(packed.byteLength + trailer.byteLength, 0x24c);
  return image;
}

test('extractVmlinux() finds and unpacks a gzip kernel', async () => {
  const elf = anElf();
  assert.deepEqual(await extractVmlinux(aBzImage({ packed: gzipSync(elf) })), elf);
});

test('extractVmlinux() finds and unpacks a zstd kernel', async () => {
  const elf = anElf();
  assert.deepEqual(await extractVmlinux(aBzImage({ packed: zstdCompressSync(elf), size: elf.byteLength })), elf);
});

test('extractVmlinux() refuses a kernel that QEMU could not start directly', async () => {
  const packed = gzipSync(anElf({ type: 3 }));
  await assert.rejects(extractVmlinux(aBzImage({ packed })), { code: 'E_KERNEL_FORMAT', message: /no PVH entry/ });
});

test('extractVmlinux() refuses a kernel that unpacks to another size than it says', async () => {
  const image = aBzImage({ packed: zstdCompressSync(anElf()), size: 1 });
  await assert.rejects(extractVmlinux(image), { code: 'E_KERNEL_FORMAT', message: /144 bytes, not 1$/ });
});

test('payloadOf() takes 0 setup sectors for 4, as the boot protocol says', () => {
  const image = aBzImage({ packed: gzipSync('x'), setupSectors: 4 });
  image.writeUInt8(0, 0x1f1);
  assert.equal(payloadOf(image)?.packing, 'gzip');
});

test('hasPvhEntry() looks for the note of Xen and of no other owner', () => {
  assert.equal(hasPvhEntry(anElf()), true);
  assert.equal(hasPvhEntry(anElf({ owner: 'GNU\0' })), false);
});

test('neither payloadOf() nor hasPvhEntry() trips over any bytes', () => {
  const mutated = (base: Buffer) =>
    fc.array(fc.tuple(fc.nat(base.byteLength - 1), fc.nat(255)), { maxLength: 20 }).map((changes) => {
      const bytes = Buffer.from(base);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    mutated(anElf()),
    mutated(aBzImage({ packed: gzipSync('x') })),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      payloadOf(input);
      hasPvhEntry(input);
    }),
    { numRuns: 5000 },
  );
});

test('releaseOf() reads what a kernel says of itself, and nothing from what is none', () => {
  const image = aBzImage({ packed: gzipSync(Buffer.from('x')) });
  assert.equal(releaseOf(image), undefined);
  image.writeUInt16LE(0x300, 0x20e);
  image.write('6.1.0-9-amd64 (builder@host) #1 SMP\0', 0x500, 'latin1');
  assert.equal(releaseOf(image), '6.1.0-9-amd64');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      const read = releaseOf(bytes);
      assert.ok(read === undefined || /^[\w.+~-]+$/.test(read));
    }),
  );
});
