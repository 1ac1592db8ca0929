import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadOrder, type ModuleIndex, ModuleMissing, moduleName } from './modules.ts';

const anIndex = (parts: Partial<ModuleIndex>): ModuleIndex => ({
  dep: '',
  softdep: '',
  alias: '',
  builtin: '',
  ...parts,
});

test('loadOrder() puts what a module needs before it, the deepest first', () => {
  const index = anIndex({ dep: 'fs/ext4.ko: fs/jbd2.ko lib/crc16.ko\nfs/jbd2.ko:\nlib/crc16.ko:\n' });
  assert.deepEqual(loadOrder(index, ['ext4']), ['lib/crc16.ko', 'fs/jbd2.ko', 'fs/ext4.ko']);
});

test('loadOrder() loads soft dependencies first, by each module that answers to the name', () => {
  const index = anIndex({
    dep: 'fs/ext4.ko:\ncrypto/crc32c-intel.ko:\ncrypto/crc32c_generic.ko:\n',
    softdep: '# Soft dependencies extracted from modules themselves.\nsoftdep ext4 pre: crypto-crc32c post: late\n',
    alias: 'alias crypto-crc32c crc32c_intel\nalias crypto-crc32c crc32c_generic\nalias cpu:type:* crc32c_intel\n',
  });
  assert.deepEqual(loadOrder(index, ['ext4']), ['crypto/crc32c-intel.ko', 'crypto/crc32c_generic.ko', 'fs/ext4.ko']);
});

test('loadOrder() needs no file for what the kernel has built in', () => {
  const index = anIndex({ dep: 'fs/ext4.ko:\n', builtin: 'kernel/drivers/virtio/virtio_pci.ko\n' });
  assert.deepEqual(loadOrder(index, ['virtio_pci', 'ext4']), ['fs/ext4.ko']);
});

test('loadOrder() names the module that is missing', () => {
  assert.throws(() => loadOrder(anIndex({}), ['virtio-rng']), new ModuleMissing('virtio-rng'));
});

test('loadOrder() finds a module by either spelling and in packed files', () => {
  const index = anIndex({ dep: 'drivers/virtio-rng.ko.xz:\n' });
  assert.deepEqual(loadOrder(index, ['virtio_rng']), ['drivers/virtio-rng.ko.xz']);
});

test('moduleName() takes away folder, packing and the two ways to write a line', () => {
  assert.equal(moduleName('kernel/arch/x86/crypto/crc32c-intel.ko.zst'), 'crc32c_intel');
});

test('loadOrder() never loads a module twice or before what it needs', () => {
  // Module i may need only modules with a smaller number, as in a kernel: there are no circles.
  const graph = fc
    .array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 15 })
    .map((rows) => rows.map((row, i) => (i === 0 ? [] : [...new Set(row.map((n) => n % i))])));
  fc.assert(
    fc.property(graph, (needs) => {
      // modules.dep lists all that is needed, also indirectly, each before what it needs itself.
      const all = (i: number): number[] =>
        [...new Set((needs[i] ?? []).flatMap((n) => [n, ...all(n)]))].sort((a, b) => b - a);
      const dep = needs
        .map(
          (_, i) =>
            `k/m${i}.ko: ${all(i)
              .map((n) => `k/m${n}.ko`)
              .join(' ')}`,
        )
        .join('\n');
      const order = loadOrder(anIndex({ dep }), needs.map((_, i) => `m${i}`).reverse());
      assert.equal(new Set(order).size, order.length);
      assert.equal(order.length, needs.length);
      for (const [i, row] of needs.entries()) {
        for (const n of row) assert.ok(order.indexOf(`k/m${n}.ko`) < order.indexOf(`k/m${i}.ko`));
      }
    }),
    { numRuns: 1000 },
  );
});
