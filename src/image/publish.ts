import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeReadableDirectory } from '../process/index.ts';

// Names with a leading dot are never listed as images or kernels.
const TEMPORARY = '.new-';

/**
 * Make the directory `target` appear with all its content at once, or not at all.
 * What was there before is replaced.
 * @param fill writes into the directory that it is given
 */
export async function publishDirectory<T>(target: string, fill: (dir: string) => Promise<T>): Promise<T> {
  const parent = dirname(target);
  await makeReadableDirectory(parent);
  const dir = join(parent, `${TEMPORARY}${basename(target)}-${randomBytes(6).toString('hex')}`);
  const old = join(parent, `${TEMPORARY}old-${randomBytes(6).toString('hex')}`);
  await mkdir(dir, { mode: 0o755 });
  try {
    const result = await fill(dir);
    await chmod(dir, 0o755);
    await syncTree(dir);
    if (await exists(target)) await rename(target, old);
    await rename(dir, target);
    await syncPath(parent);
    return result;
  } finally {
    await rm(dir, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}

/** Make the file `target` appear with all its content at once. */
export async function publishFile(target: string, write: (path: string) => Promise<void>): Promise<void> {
  const parent = dirname(target);
  await makeReadableDirectory(parent);
  const path = join(parent, `${TEMPORARY}${randomBytes(6).toString('hex')}`);
  try {
    await write(path);
    await chmod(path, 0o644);
    await syncPath(path);
    await rename(path, target);
    await syncPath(parent);
  } finally {
    await rm(path, { force: true });
  }
}

/** Remove what an interrupted publication left in `parent`. Only for a caller who holds the lock of that directory. */
export async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    if (name.startsWith(TEMPORARY)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

async function syncTree(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      await chmod(path, 0o755);
      await syncTree(path);
    } else if (entry.isFile()) {
      await chmod(path, 0o644);
      await syncPath(path);
    }
  }
  await syncPath(dir);
}

async function syncPath(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}
