import { randomBytes } from 'node:crypto';
import { lstat, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import type { Places } from '../../site/index.ts';
import { findImage, imagePools } from '../catalogue.ts';
import { sha256OfFile } from '../digest.ts';
import { MANIFEST } from '../manifest.ts';
import { checkImageName } from '../names.ts';
import type { Progress } from '../progress.ts';
import { publishFile } from '../publish.ts';
import { whyNotTrusted } from '../trust.ts';
import type { DiskEntry } from '../types.ts';
import { claimImage, useLockOf } from '../use-lock.ts';
import { holdPool } from './hold.ts';

export interface PoolOptions {
  /** Where images are looked for, first match wins. */
  readonly places: readonly Places[];
  /** Where this process writes. */
  readonly own: Places;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Remove an image, also one whose manifest cannot be read.
 * @param force even if a running job uses it: on this machine the job goes on, since it has the file open; a job of another node that
 *   has it over NFS may break
 * @throws VtorqueError `E_IMAGE_IN_USE`, `E_IMAGE_UNKNOWN`, `E_IMAGE_NOT_OWN`, `E_IMAGE_NAME`
 */
export async function deleteImage(name: string, options: PoolOptions & { readonly force: boolean }): Promise<void> {
  const pool = await poolOf(name, options, 'delete');
  await using _lock = await holdPool(pool, options);
  const dir = join(pool, name);
  await using claim = await claimImage(useLockOf(dir)).catch((error: NodeJS.ErrnoException) => {
    // Whoever begins to use the image makes sure of its lock first; without one nobody can.
    if (error.code === 'ENOENT') return { [Symbol.asyncDispose]: async () => {} };
    throw error;
  });
  if (claim === undefined && !options.force) {
    throw new VtorqueError('E_IMAGE_IN_USE', `Cannot delete image "${name}": a running job uses it`, {
      hint: 'Wait until the job has ended (see qstat), or use --force',
    });
  }
  // A name with a dot is no image: should this be interrupted, the rest of it goes when the pool is next changed.
  const removed = join(pool, `.new-deleted-${randomBytes(6).toString('hex')}`);
  await rename(dir, removed);
  await rm(removed, { recursive: true });
}

/**
 * Give an image another description.
 * @throws VtorqueError as `deleteImage`, and `E_IMAGE_MANIFEST`
 */
export async function describeImage(name: string, description: string, options: PoolOptions): Promise<DiskEntry> {
  const pool = await poolOf(name, options, 'change');
  await using _lock = await holdPool(pool, options);
  const entry = (await findImage(name, [pool])) as DiskEntry;
  const manifest = { ...entry.manifest, description };
  await publishFile(join(entry.dir, MANIFEST), (fresh) => writeFile(fresh, `${JSON.stringify(manifest, null, 2)}\n`));
  return { ...entry, description, manifest };
}

/**
 * Read an image's whole disk and compare its digest with the manifest's.
 * @throws VtorqueError `E_IMAGE_DAMAGED`, `E_IMAGE_UNKNOWN`, `E_IMAGE_MANIFEST`, `E_IMAGE_NOT_TRUSTED`
 */
export async function verifyImage(
  name: string,
  { places, uid, signal }: Pick<PoolOptions, 'places' | 'signal'> & { readonly uid: number },
): Promise<DiskEntry> {
  const entry = await findImage(name, imagePools(places));
  if (entry.kind === 'host') throw notAFile('verify');
  const path = join(entry.dir, entry.manifest.disk.file);
  const reason = await whyNotTrusted(path, uid);
  if (reason !== undefined) {
    throw new VtorqueError('E_IMAGE_NOT_TRUSTED', `Cannot verify image "${name}": ${reason}`, {
      hint: 'Root, or the user himself, must own it and the directories that lead to it',
    });
  }
  const sha256 = await sha256OfFile(path, signal);
  if (sha256 === entry.manifest.disk.sha256) return entry;
  throw new VtorqueError('E_IMAGE_DAMAGED', `Cannot verify image "${name}": its disk is not the one of its manifest`, {
    hint: 'Make it, or add it, again',
    details: [`manifest: ${entry.manifest.disk.sha256}`, `disk:     ${sha256}`],
  });
}

/** Whether a job uses the image now; undefined when this user cannot find out. */
export async function imageInUse(dir: string): Promise<boolean | undefined> {
  try {
    await using claim = await claimImage(useLockOf(dir));
    return claim === undefined;
  } catch {
    return undefined; // No such file, or a file system that lets only its owner ask.
  }
}

/** The pool of ours that has it. */
async function poolOf(name: string, { places, own }: PoolOptions, action: string): Promise<string> {
  if (name === 'host') throw notAFile(action);
  checkImageName(name);
  const [pool = ''] = imagePools([own]);
  if (await isDirectory(join(pool, name))) return pool;
  const { dir } = (await findImage(name, imagePools(places))) as DiskEntry;
  throw new VtorqueError('E_IMAGE_NOT_OWN', `Cannot ${action} image "${name}": "${dir}" is not this user's`, {
    hint: 'Ask who keeps that pool, or do it as that user',
  });
}

async function isDirectory(path: string): Promise<boolean> {
  return lstat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

function notAFile(action: string): VtorqueError {
  return new VtorqueError('E_IMAGE_NAME', `Cannot ${action} image "host": it is the node's own system, not a file`, {
    exitCode: 2,
  });
}
