import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type IsoFile, iso9660 } from './iso9660.ts';

const SECTOR = 2048;

/** Read the disk as Linux does: descriptor, root directory, each record; names in lower case without the version. */
function readDisk(disk: Buffer): { label: string; files: { name: string; content: Buffer }[] } {
  const descriptor = disk.subarray(16 * SECTOR, 17 * SECTOR);
  assert.equal(descriptor.toString('latin1', 0, 7), '\x01CD001\x01');
  assert.equal(descriptor.readUInt32LE(80) * SECTOR, disk.length);
  const root = disk.subarray(descriptor.readUInt32LE(158) * SECTOR, descriptor.readUInt32LE(158) * SECTOR + SECTOR);
  const files: { name: string; content: Buffer }[] = [];
  for (let at = 0; root[at]; at += root[at] ?? 0) {
    const name = root.toString('latin1', at + 33, at + 33 + (root[at + 32] ?? 0));
    const [sector, size] = [root.readUInt32LE(at + 2), root.readUInt32LE(at + 10)];
    assert.deepEqual([root.readUInt32BE(at + 6), root.readUInt32BE(at + 14)], [sector, size]);
    if (name === '\0' || name === '\x01') continue;
    const content = disk.subarray(sector * SECTOR, sector * SECTOR + size);
    files.push({ name: name.toLowerCase().replace(/\.?;1$/, ''), content });
  }
  return { label: descriptor.toString('latin1', 40, 72).trimEnd(), files };
}

const aName = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,15}(\.[a-z0-9]{1,3})?$/);
const someFiles = fc.uniqueArray(fc.record({ name: aName, content: fc.uint8Array({ maxLength: 5000 }) }), {
  selector: ({ name }) => name,
  maxLength: 20,
});

test('iso9660() has every file, with every byte', () => {
  fc.assert(
    fc.property(someFiles, (files) => {
      const { label, files: read } = readDisk(iso9660('cidata', files));
      assert.equal(label, 'cidata');
      const sorted = (list: readonly IsoFile[]) =>
        list.map(({ name, content }) => [name, Buffer.from(content).toString('hex')]).sort();
      assert.deepEqual(sorted(read), sorted(files));
    }),
  );
});

test('iso9660() of the same files is the same disk', () => {
  const files = [{ name: 'user-data', content: Buffer.from('#cloud-config\n') }];
  assert.deepEqual(iso9660('cidata', files), iso9660('cidata', files));
});

test('iso9660() refuses what the format does not have', () => {
  for (const name of ['', 'Upper', 'a/b', 'x'.repeat(28)])
    assert.throws(() => iso9660('cidata', [{ name, content: Buffer.alloc(0) }]), /not a name/);
  const many = Array.from({ length: 60 }, (_, i) => ({ name: `file${i}`, content: Buffer.alloc(0) }));
  assert.throws(() => iso9660('cidata', many), /more files than/);
});
