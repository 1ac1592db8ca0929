/** How the kernel proper is packed inside a bzImage. */
export type Packing = 'xz' | 'lz4' | 'zstd' | 'gzip';

export interface Payload {
  readonly packing: Packing;
  /** The packed kernel, without the length that follows it. */
  readonly packed: Uint8Array;
  /** Bytes of the unpacked kernel. */
  readonly size: number;
}

const MAGIC: readonly (readonly [Packing, readonly number[]])[] = [
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['lz4', [0x02, 0x21, 0x4c, 0x18]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['gzip', [0x1f, 0x8b]],
];

/**
 * Find the packed kernel in a bzImage by its setup header (Linux, Documentation/arch/x86/boot.rst).
 * @returns undefined when `image` is no bzImage, or one packed in a way that we do not know
 */
export function payloadOf(image: Uint8Array): Payload | undefined {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  if (image.byteLength < 0x250 || view.getUint32(0x202, true) !== 0x53726448 /* "HdrS" */) return undefined;
  // 0 means 4, for very old loaders.
  const setupSectors = view.getUint8(0x1f1) || 4;
  const start = (setupSectors + 1) * 512 + view.getUint32(0x248, true);
  const end = start + view.getUint32(0x24c, true);
  if (start + 8 > end || end > image.byteLength) return undefined;
  const packing = MAGIC.find(([, magic]) => magic.every((byte, i) => image[start + i] === byte))?.[0];
  if (packing === undefined) return undefined;
  // The kernel's build appends the unpacked length, little endian; with gzip that is the format's own last field.
  const size = view.getUint32(end - 4, true);
  return { packing, packed: image.subarray(start, packing === 'gzip' ? end : end - 4), size };
}

const XEN_ELFNOTE_PHYS32_ENTRY = 18;

/** Whether `elf` is a 64-bit little-endian ELF file with the note that lets QEMU start it directly (PVH). */
export function hasPvhEntry(elf: Uint8Array): boolean {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  if (elf.byteLength < 64 || view.getUint32(0) !== 0x7f454c46 || view.getUint16(4) !== 0x0201) return false;
  const table = Number(view.getBigUint64(32, true));
  const entrySize = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  if (table + entrySize * count > elf.byteLength || entrySize < 56) return false;
  for (let i = 0; i < count; i++) {
    const at = table + i * entrySize;
    if (view.getUint32(at, true) !== 4 /* PT_NOTE */) continue;
    const from = Number(view.getBigUint64(at + 8, true));
    const to = Math.min(from + Number(view.getBigUint64(at + 32, true)), elf.byteLength);
    if (noteTypes(view, from, to).includes(XEN_ELFNOTE_PHYS32_ENTRY)) return true;
  }
  return false;
}

/** The types of the notes of the owner "Xen" between two offsets. */
function noteTypes(view: DataView, from: number, to: number): number[] {
  const padded = (length: number): number => (length + 3) & ~3;
  const types: number[] = [];
  let at = from;
  while (at + 12 <= to) {
    const nameLength = view.getUint32(at, true);
    const next = at + 12 + padded(nameLength) + padded(view.getUint32(at + 4, true));
    if (next > to || next <= at) break;
    const isXen = nameLength === 4 && view.getUint32(at + 12) === 0x58656e00; // "Xen\0"
    if (isXen) types.push(view.getUint32(at + 8, true));
    at = next;
  }
  return types;
}

/**
 * The release that a bzImage says it is of, as `uname -r` will print it (boot protocol 2.00, `kernel_version`).
 * @param head the file's beginning: 64 KiB are enough
 * @returns undefined when it is no bzImage
 */
export function releaseOf(head: Uint8Array): string | undefined {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.byteLength < 0x250 || view.getUint32(0x202, true) !== 0x53726448 /* "HdrS" */) return undefined;
  const pointer = view.getUint16(0x20e, true);
  if (pointer === 0) return undefined;
  const text = Buffer.from(head.subarray(pointer + 0x200, pointer + 0x300)).toString('latin1');
  return /^[\w.+~-]+(?=[ \0])/.exec(text)?.[0];
}
