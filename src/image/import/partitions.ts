const SECTOR = 512;
const TABLE = 446;
const ENTRY = 16;
const ENTRIES = 4;
/** In a protective entry: the disk is larger than the field can tell (UEFI 2.10, 5.2.3). */
const UNTOLD = 0xffff_ffff;

/**
 * How far the partitions of a disk reach beyond its end: what a broken download of a raw disk leaves.
 * A GPT shows in the protective entry, which covers the whole disk. Pure.
 * @param bootSector the disk's first 512 bytes
 * @param virtualSize bytes
 * @returns sectors of 512 bytes; 0 when everything is there
 */
export function missingSectors(bootSector: Uint8Array, virtualSize: number): number {
  const view = new DataView(bootSector.buffer, bootSector.byteOffset, bootSector.byteLength);
  const ends = Array.from({ length: ENTRIES }, (_, index) => {
    const at = TABLE + index * ENTRY;
    const [kind, status] = [view.getUint8(at + 4), view.getUint8(at)];
    const [start, count] = [view.getUint32(at + 8, true), view.getUint32(at + 12, true)];
    // What has another status than these two is code or text of a boot sector without a table.
    if (kind === 0 || (status & 0x7f) !== 0 || count === UNTOLD) return 0;
    return start + count;
  });
  return Math.max(0, Math.max(...ends) - Math.floor(virtualSize / SECTOR));
}
