/** Where the superblock is, and how much of it is looked at. */
export const SUPERBLOCK = { offset: 1024, length: 1024 } as const;

/** What a superblock of ext2, ext3 or ext4 says of its file system. */
export interface ExtState {
  /** It was unmounted, or was never mounted. */
  readonly clean: boolean;
  /** Its kernel has found errors in it. */
  readonly errors: boolean;
}

/**
 * Read a superblock; undefined for what is none. Pure.
 * @param bytes `SUPERBLOCK.length` of them
 */
export function readSuperblock(bytes: Uint8Array): ExtState | undefined {
  if (bytes.length < 100) return undefined;
  const block = Buffer.from(bytes);
  if (block.readUInt16LE(56) !== 0xef53) return undefined;
  const state = block.readUInt16LE(58);
  const needsRecovery = (block.readUInt32LE(96) & 4) !== 0;
  return { clean: (state & 1) !== 0 && !needsRecovery, errors: (state & 2) !== 0 };
}

/** What every ext4 of Linux 4.x and later can do: a newer mkfs would by itself make what older guests cannot mount. */
const features = [
  'none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file',
  'dir_nlink,extra_isize,metadata_csum',
].join(',');

/**
 * The words of mkfs.ext4 for a disk whose files are one user's. Pure.
 * @param device device or file
 */
export function mkfsArguments(device: string, { uid, gid }: { readonly uid: number; readonly gid: number }): string[] {
  const options = `root_owner=${uid}:${gid},lazy_itable_init=1,lazy_journal_init=1`;
  return ['-q', '-F', '-t', 'ext4', '-m', '0', '-L', 'data', '-O', features, '-E', options, device];
}
