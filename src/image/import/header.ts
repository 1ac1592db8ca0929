/** Formats that an image may be added from. */
export type ImportFormat = 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vhdx';

/** What the first bytes of a file say it is; or why it is not used. */
export type HeaderVerdict =
  | { readonly kind: 'usable'; readonly format: ImportFormat }
  | { readonly kind: 'refused'; readonly reason: string; readonly hint: string };

/** As many of a file's first bytes as `judgeHeader` looks at. */
export const HEADER_BYTES = 64 * 1024;

/**
 * Tell a disk's format by its first bytes, and refuse headers that make a reader open other files.
 * The format is decided here and then given to QEMU's tools by name: if they looked themselves, a guest could have written another
 * header to its raw disk. What is refused here QEMU never opens, since some versions of it follow the names of such
 * files while they only show what is in a header. Pure.
 * @param fileSize of the whole file, in bytes
 */
export function judgeHeader(bytes: Uint8Array, fileSize: number): HeaderVerdict {
  const header = new Header(bytes, fileSize);
  for (const { is, judge } of kinds) if (is(header)) return judge(header);
  return judgeRaw(header);
}

/** Bytes beyond the end read as zero. */
class Header {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly fileSize: number;

  constructor(bytes: Uint8Array, fileSize: number) {
    this.fileSize = fileSize;
    this.#bytes = new Uint8Array(HEADER_BYTES);
    this.#bytes.set(bytes.subarray(0, HEADER_BYTES));
    this.#view = new DataView(this.#bytes.buffer);
  }

  has(offset: number, magic: string): boolean {
    return Buffer.from(this.#bytes.buffer, offset, magic.length).toString('latin1') === magic;
  }

  be32(offset: number): number {
    return this.#view.getUint32(offset);
  }

  be64(offset: number): bigint {
    return this.#view.getBigUint64(offset);
  }

  le32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }

  le64(offset: number): bigint {
    return this.#view.getBigUint64(offset, true);
  }

  allZero(from: number, to: number): boolean {
    return this.#bytes.subarray(from, to).every((byte) => byte === 0);
  }
}

interface Kind {
  readonly is: (header: Header) => boolean;
  readonly judge: (header: Header) => HeaderVerdict;
}

const usable = (format: ImportFormat) => (): HeaderVerdict => ({ kind: 'usable', format });
const refused = (reason: string, hint: string): HeaderVerdict => ({ kind: 'refused', reason, hint });
const packed =
  (by: string, unpack: string): Kind['judge'] =>
  () =>
    refused(`it is packed by ${by}`, `Unpack it first: ${unpack}`);
const onOneFile = 'Make one file of it first, for instance with: qemu-img convert -O qcow2 FILE NEW.qcow2';

const kinds: readonly Kind[] = [
  { is: (header) => header.has(0, 'QFI\xfb'), judge: judgeQcow2 },
  { is: (header) => header.has(0, 'KDMV'), judge: judgeVmdk },
  {
    is: (header) => header.has(0, 'COWD') || header.has(0, '# Disk DescriptorFile'),
    judge: () => refused('it is a VMDK description that names other files', onOneFile),
  },
  { is: (header) => header.has(0x40, '\x7f\x10\xda\xbe'), judge: judgeVdi },
  { is: (header) => header.has(0, 'vhdxfile'), judge: usable('vhdx') },
  { is: (header) => header.has(0, '\x1f\x8b'), judge: packed('gzip', 'gunzip FILE') },
  { is: (header) => header.has(0, '\xfd7zXZ'), judge: packed('xz', 'unxz FILE') },
  { is: (header) => header.has(0, '\x28\xb5\x2f\xfd'), judge: packed('zstd', 'unzstd FILE') },
  { is: (header) => header.has(0, 'BZh'), judge: packed('bzip2', 'bunzip2 FILE') },
  { is: (header) => header.has(0, 'PK\x03\x04'), judge: packed('zip', 'unzip FILE') },
  {
    is: (header) => header.has(0x8001, 'CD001') && header.allZero(0, 440),
    judge: () => refused('it is a CD, not a disk', 'Add the disk of an installed system'),
  },
];

/** docs/interop/qcow2.txt of QEMU. */
function judgeQcow2(header: Header): HeaderVerdict {
  const version = header.be32(4);
  if (version !== 2 && version !== 3) return refused(`it is qcow2 of the unknown version ${version}`, onOneFile);
  if (header.be64(8) !== 0n) return refused('it has a backing file', onOneFile);
  if (header.be32(32) !== 0) return refused('it is encrypted', 'Decrypt it first with qemu-img convert');
  const features = version === 3 ? header.be64(72) : 0n;
  if ((features & 4n) !== 0n) return refused('its data is in another file', onOneFile);
  if ((features & 2n) !== 0n) return refused('it is marked as damaged', 'Repair it first: qemu-img check -r all FILE');
  return { kind: 'usable', format: 'qcow2' };
}

/** VMware's "Virtual Disk Format 5.0": without a capacity readers look for other files in the description. */
function judgeVmdk(header: Header): HeaderVerdict {
  const [capacity, descriptionAt, descriptionSectors] = [header.le64(12), header.le64(28), header.le64(36)];
  if (capacity === 0n) return refused('it is a VMDK header that names other files', onOneFile);
  if (descriptionAt * 512n + descriptionSectors * 512n > BigInt(HEADER_BYTES))
    return refused('its description is not where it should be', onOneFile);
  return { kind: 'usable', format: 'vmdk' };
}

/** VDICore.h of VirtualBox. qemu-img check does not look whether the blocks in use are there. */
function judgeVdi(header: Header): HeaderVerdict {
  const [dataAt, blockSize, blocksInUse] = [header.le32(0x158), header.le32(0x178), header.le32(0x184)];
  if (dataAt + blockSize * blocksInUse > header.fileSize)
    return refused('a part of it is missing', 'Get the file anew');
  return { kind: 'usable', format: 'vdi' };
}

/** Anything may be a raw disk, so the one thing that a BIOS wants must be there. */
function judgeRaw(header: Header): HeaderVerdict {
  if (header.has(510, '\x55\xaa')) return { kind: 'usable', format: 'raw' };
  return refused(
    'it is no disk of a known format, and as a raw disk it has no boot sector',
    'Formats: raw, qcow2, vmdk, vdi, vhdx',
  );
}
