import { access, constants, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatSize, VtorqueError } from '../../base/index.ts';

/** The programs that a build calls, and the Debian packages that have them. */
const TOOLS: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  depmod: 'kmod',
  'mkfs.ext4': 'e2fsprogs',
  'qemu-img': 'qemu-utils',
  unshare: 'util-linux',
  flock: 'util-linux',
  tar: 'tar',
  xz: 'xz-utils',
};

const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** @throws VtorqueError `E_TOOL_MISSING` that names all that are missing and the command that installs them */
export async function checkTools(image: string): Promise<void> {
  const names = Object.keys(TOOLS);
  const there = await Promise.all(names.map(isInstalled));
  const missing = names.filter((_, i) => !there[i]);
  if (missing.length === 0) return;
  const packages = new Set(missing.map((name) => TOOLS[name]));
  throw new VtorqueError('E_TOOL_MISSING', `Cannot build image "${image}": ${missing.join(', ')} not installed`, {
    hint: `As root: apt-get install ${[...packages].join(' ')}`,
  });
}

async function isInstalled(program: string): Promise<boolean> {
  const tried = DIRECTORIES.map((dir) => access(join(dir, program), constants.X_OK));
  return Promise.any(tried).then(
    () => true,
    () => false,
  );
}

/** @throws VtorqueError `E_DISK_SPACE` when fewer than `bytes` are free for us in the file system of `dir` */
export async function checkSpace(image: string, dir: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  if (free >= bytes) return;
  const megabyte = 1024 ** 2;
  const [need, have] = [bytes, free].map((size) => formatSize(Math.floor(size / megabyte) * megabyte));
  throw new VtorqueError(
    'E_DISK_SPACE',
    `Cannot make image "${image}": "${dir}" has ${have} free and ${need} are needed`,
    {
      hint: 'Make room there',
    },
  );
}
