/** docs/interop/qcow2.txt of QEMU. */
const magic = 0x51_46_49_fb;
const headerLength = 104;
const clusterBits = 16;
const cluster = 2 ** clusterBits;
/** Entries of 8 bytes in a cluster, each of which stands for a cluster. */
const entries = cluster / 8;
const bytesPerL1Entry = entries * cluster;

/** As many of a file's first bytes as `judgeQcow2` looks at. */
export const QCOW2_HEADER_BYTES = headerLength;

/** What is in a header; or why the file is not used. */
export type Qcow2Verdict =
  | { readonly kind: 'usable'; readonly l1: { readonly offset: number; readonly length: number } }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Look at the header of a qcow2 file. Refused is what makes a reader open other files, and what cannot be written to. Pure.
 * @param bytes the first `QCOW2_HEADER_BYTES` of the file; what is missing reads as zero
 */
export function judgeQcow2(bytes: Uint8Array): Qcow2Verdict {
  const header = Buffer.alloc(headerLength);
  header.set(bytes.subarray(0, headerLength));
  const refused = (reason: string): Qcow2Verdict => ({ kind: 'refused', reason });
  if (header.readUInt32BE(0) !== magic) return refused('it is no qcow2 file');
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) return refused(`it is qcow2 of the unknown version ${version}`);
  if (header.readBigUInt64BE(8) !== 0n) return refused('it has a backing file');
  if (header.readUInt32BE(32) !== 0) return refused('it is encrypted');
  const incompatible = version === 3 ? header.readBigUInt64BE(72) : 0n;
  if ((incompatible & 4n) !== 0n) return refused('its data is in another file');
  if ((incompatible & 2n) !== 0n) return refused('it is marked as damaged: repair it with qemu-img check -r all');
  const l1 = { offset: Number(header.readBigUInt64BE(40)), length: header.readUInt32BE(36) * 8 };
  return { kind: 'usable', l1 };
}

/**
 * The first bytes of a new, empty qcow2 file of version 3. Pure.
 * @param size bytes that the disk has, a multiple of 512
 */
export function emptyQcow2(size: number): Buffer {
  const l1Entries = Math.max(1, Math.ceil(size / bytesPerL1Entry));
  const l1Clusters = Math.ceil((l1Entries * 8) / cluster);
  // Header, refcount table, one refcount block, level-1 table.
  const used = 3 + l1Clusters;
  const image = Buffer.alloc(used * cluster);
  image.writeUInt32BE(magic, 0);
  image.writeUInt32BE(3, 4);
  image.writeUInt32BE(clusterBits, 20);
  image.writeBigUInt64BE(BigInt(size), 24);
  image.writeUInt32BE(l1Entries, 36);
  image.writeBigUInt64BE(BigInt(3 * cluster), 40);
  image.writeBigUInt64BE(BigInt(cluster), 48);
  image.writeUInt32BE(1, 56);
  // Refcounts of 16 bits.
  image.writeUInt32BE(4, 96);
  image.writeUInt32BE(headerLength, 100);
  image.writeBigUInt64BE(BigInt(2 * cluster), cluster);
  for (let index = 0; index < used; index++) image.writeUInt16BE(1, 2 * cluster + 2 * index);
  return image;
}
