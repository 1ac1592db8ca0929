/** A file of the disk's one directory. */
export interface IsoFile {
  /** Lower-case letters, digits, dots, hyphens and underscores; at most 27 of them. */
  readonly name: string;
  readonly content: Uint8Array;
}

const SECTOR = 2048;
// ECMA-119: the first 16 sectors are free for a boot loader; descriptors, path tables and the root directory follow.
const at = { descriptor: 16, terminator: 17, pathTableLe: 18, pathTableBe: 19, root: 20, files: 21 } as const;
const PATH_TABLE_BYTES = 10;
// All times are 1 January 2000, so that equal files make equal disks.
const SHORT_TIME = [100, 1, 1, 0, 0, 0, 0];
const LONG_TIME = '2000010100000000';

/**
 * A read-only disk with these files in one directory (ECMA-119, which is ISO 9660). Linux shows their names in lower case.
 * Pure.
 * @param label the disk's name, by which cloud-init finds it
 * @throws Error for a name that the format does not have, or more files than one sector of a directory holds
 */
export function iso9660(label: string, files: readonly IsoFile[]): Buffer {
  const bad = files.find(({ name }) => !/^[a-z0-9._-]{1,27}$/.test(name));
  if (bad !== undefined) throw new Error(`not a name for a disk of this kind: ${bad.name}`);
  if (label.length > 32) throw new Error(`not a label for a disk of this kind: ${label}`);
  const placed = place(files);
  const sectors = at.files + placed.reduce((sum, { content }) => sum + sectorsOf(content), 0);
  const disk = Buffer.alloc(sectors * SECTOR);
  const root = directory(placed);
  primaryDescriptor(label, sectors).copy(disk, at.descriptor * SECTOR);
  disk.write('\xffCD001\x01', at.terminator * SECTOR, 'latin1');
  pathTable('le').copy(disk, at.pathTableLe * SECTOR);
  pathTable('be').copy(disk, at.pathTableBe * SECTOR);
  root.copy(disk, at.root * SECTOR);
  for (const { sector, content } of placed) disk.set(content, sector * SECTOR);
  return disk;
}

interface Placed extends IsoFile {
  /** As the directory has it: in capitals, with a dot and a version. */
  readonly identifier: string;
  readonly sector: number;
}

function place(files: readonly IsoFile[]): Placed[] {
  let sector: number = at.files;
  return files.map((file) => {
    const identifier = `${file.name.toUpperCase()}${file.name.includes('.') ? '' : '.'};1`;
    const placed = { ...file, identifier, sector };
    sector += sectorsOf(file.content);
    return placed;
  });
}

function sectorsOf(content: Uint8Array): number {
  return Math.ceil(content.length / SECTOR);
}

function directory(files: readonly Placed[]): Buffer {
  const ordered = files.toSorted((a, b) => (a.identifier < b.identifier ? -1 : 1));
  const records = [
    record('\0', at.root, SECTOR, 'directory'),
    record('\x01', at.root, SECTOR, 'directory'),
    ...ordered.map(({ identifier, sector, content }) => record(identifier, sector, content.length, 'file')),
  ];
  const bytes = Buffer.concat(records);
  if (bytes.length > SECTOR) throw new Error(`more files than a directory of ${SECTOR} bytes holds: ${files.length}`);
  return bytes;
}

function record(identifier: string, sector: number, size: number, kind: 'file' | 'directory'): Buffer {
  const bytes = Buffer.alloc(33 + identifier.length + ((identifier.length + 1) % 2));
  bytes[0] = bytes.length;
  both32(bytes, 2, sector);
  both32(bytes, 10, size);
  bytes.set(SHORT_TIME, 18);
  bytes[25] = kind === 'directory' ? 2 : 0;
  both16(bytes, 28, 1);
  bytes[32] = identifier.length;
  bytes.write(identifier, 33, 'latin1');
  return bytes;
}

function primaryDescriptor(label: string, sectors: number): Buffer {
  const bytes = Buffer.alloc(SECTOR);
  // Texts are filled with blanks, and those without a meaning here are nothing else.
  bytes.fill(' ', 8, 72).fill(' ', 190, 813);
  bytes.write('\x01CD001\x01', 0, 'latin1');
  bytes.write(label, 40, 'latin1');
  both32(bytes, 80, sectors);
  both16(bytes, 120, 1);
  both16(bytes, 124, 1);
  both16(bytes, 128, SECTOR);
  both32(bytes, 132, PATH_TABLE_BYTES);
  bytes.writeUInt32LE(at.pathTableLe, 140);
  bytes.writeUInt32BE(at.pathTableBe, 148);
  record('\0', at.root, SECTOR, 'directory').copy(bytes, 156);
  for (const offset of [813, 830]) bytes.write(`${LONG_TIME}\0`, offset, 'latin1');
  for (const offset of [847, 864]) bytes.write(`${'0'.repeat(16)}\0`, offset, 'latin1');
  bytes[881] = 1;
  return bytes;
}

/** The root directory is the only entry, and its own parent. */
function pathTable(order: 'le' | 'be'): Buffer {
  const bytes = Buffer.alloc(PATH_TABLE_BYTES);
  bytes[0] = 1;
  if (order === 'le') {
    bytes.writeUInt32LE(at.root, 2);
    bytes.writeUInt16LE(1, 6);
  } else {
    bytes.writeUInt32BE(at.root, 2);
    bytes.writeUInt16BE(1, 6);
  }
  return bytes;
}

/** Numbers stand in both byte orders, one after the other. */
function both32(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt32LE(value, offset);
  bytes.writeUInt32BE(value, offset + 4);
}

function both16(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt16LE(value, offset);
  bytes.writeUInt16BE(value, offset + 2);
}
