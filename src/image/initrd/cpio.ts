/** One entry of an archive. Parents come before what is in them. */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string; readonly mode: number }
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'device';
      readonly path: string;
      readonly mode: number;
      readonly major: number;
      readonly minor: number;
    };

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFCHR = 0o020000;
const MAX_FILE = 0xffff_ffff;

/**
 * Write an archive in the kernel's initramfs format ("newc" cpio, Documentation/driver-api/early-userspace/buffer-format).
 * Everything belongs to root and has no time, so that equal entries give equal bytes.
 * @throws RangeError for a path that is empty, absolute or has a NUL, and for a file of 4 GiB or more
 */
export function cpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  let inode = 0;
  for (const entry of entries) {
    if (entry.path === '' || entry.path.startsWith('/') || entry.path.includes('\0')) {
      throw new RangeError(`not a path for an archive: ${JSON.stringify(entry.path)}`);
    }
    inode += 1;
    parts.push(...record(inode, entry));
  }
  parts.push(...record(0, { kind: 'file', path: 'TRAILER!!!', mode: 0, bytes: new Uint8Array() }, 0));
  return Buffer.concat(parts);
}

function record(inode: number, entry: CpioEntry, type = typeOf(entry)): Uint8Array[] {
  const data = entry.kind === 'file' ? entry.bytes : new Uint8Array();
  if (data.byteLength > MAX_FILE) throw new RangeError(`too large for an archive: ${entry.path}`);
  const name = Buffer.from(`${entry.path}\0`);
  const [major, minor] = entry.kind === 'device' ? [entry.major, entry.minor] : [0, 0];
  const links = entry.kind === 'directory' ? 2 : 1;
  const fields = [inode, type | entry.mode, 0, 0, links, 0, data.byteLength, 0, 0, major, minor, name.byteLength, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
  const head = Buffer.concat([Buffer.from(header), name]);
  return [head, padding(head.byteLength), data, padding(data.byteLength)];
}

function typeOf(entry: CpioEntry): number {
  return { directory: S_IFDIR, file: S_IFREG, device: S_IFCHR }[entry.kind];
}

function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}
