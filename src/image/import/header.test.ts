import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HEADER_BYTES, judgeHeader } from './header.ts';

/** A header of zeros with these bytes at these places. */
function aHeader(...parts: readonly (readonly [number, string | readonly number[]])[]): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES);
  for (const [offset, part] of parts) bytes.set(typeof part === 'string' ? Buffer.from(part, 'latin1') : part, offset);
  return bytes;
}

const qcow2 = [
  [0, 'QFI\xfb'],
  [4, [0, 0, 0, 3]],
] as const;
const sparseVmdk = [
  [0, 'KDMV'],
  [12, [1]],
  [28, [1]],
  [36, [20]],
] as const;

for (const [format, header] of [
  ['qcow2', aHeader(...qcow2)],
  ['vmdk', aHeader(...sparseVmdk)],
  ['vdi', aHeader([0x40, [0x7f, 0x10, 0xda, 0xbe]])],
  ['vhdx', aHeader([0, 'vhdxfile'])],
  ['raw', aHeader([510, [0x55, 0xaa]])],
] as const) {
  test(`judgeHeader() knows ${format} by its first bytes`, () => {
    assert.deepEqual(judgeHeader(header, header.length), { kind: 'usable', format });
  });
}

for (const [what, header, reason] of [
  ['qcow2 over a backing file', aHeader(...qcow2, [15, [104]]), 'it has a backing file'],
  ['qcow2 with its data elsewhere', aHeader(...qcow2, [79, [4]]), 'its data is in another file'],
  ['encrypted qcow2', aHeader(...qcow2, [35, [2]]), 'it is encrypted'],
  ['damaged qcow2', aHeader(...qcow2, [79, [2]]), 'it is marked as damaged'],
  ['qcow2 of the future', aHeader([0, 'QFI\xfb'], [4, [0, 0, 0, 9]]), 'it is qcow2 of the unknown version 9'],
  ['a VMDK description', aHeader([0, '# Disk DescriptorFile\n']), 'it is a VMDK description that names other files'],
  ['a VMDK without a capacity', aHeader([0, 'KDMV']), 'it is a VMDK header that names other files'],
  ['a VMDK with a far description', aHeader(...sparseVmdk, [39, [1]]), 'its description is not where it should be'],
  [
    'a VDI that is shorter than its blocks',
    aHeader([0x40, [0x7f, 0x10, 0xda, 0xbe]], [0x15a, [1]], [0x17a, [0x10]], [0x184, [3]]),
    'a part of it is missing',
  ],
  ['a packed file', aHeader([0, [0x1f, 0x8b]], [510, [0x55, 0xaa]]), 'it is packed by gzip'],
  ['a CD', aHeader([0x8001, 'CD001'], [510, [0x55, 0xaa]]), 'it is a CD, not a disk'],
  ['a text', aHeader([0, 'root:x:0:0:']), /no disk of a known format/],
  ['an empty file', new Uint8Array(), /no disk of a known format/],
] as const) {
  test(`judgeHeader() refuses ${what}`, () => {
    const verdict = judgeHeader(header, header.length);
    assert.ok(verdict.kind === 'refused');
    if (typeof reason === 'string') assert.equal(verdict.reason, reason);
    else assert.match(verdict.reason, reason);
  });
}

test('judgeHeader() has a verdict on any bytes', () => {
  const magic = fc.constantFrom('QFI\xfb', 'KDMV', 'vhdxfile', '');
  fc.assert(
    fc.property(magic, fc.uint8Array({ maxLength: 4096 }), (start, rest) => {
      const header = Buffer.concat([Buffer.from(start, 'latin1'), rest]);
      const verdict = judgeHeader(header, header.length);
      assert.ok(['usable', 'refused'].includes(verdict.kind));
    }),
  );
});
