import { copyFile, link, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import { makeReadableDirectory, ToolFailed } from '../../process/index.ts';
import { findImage, imagePools } from '../catalogue.ts';
import { rememberedDigest, sha256OfFile } from '../digest.ts';
import { readAgent } from '../initrd/ensure.ts';
import { PACKAGE } from '../kernel/store.ts';
import { MANIFEST } from '../manifest.ts';
import { holdPool } from '../pool/hold.ts';
import { runStage } from '../progress.ts';
import { publishDirectory, sweep } from '../publish.ts';
import type { Recipe } from '../recipes/index.ts';
import type { DirectImageManifest, DiskEntry, GuestKernel } from '../types.ts';
import { USE_LOCK } from '../use-lock.ts';
import { type PrepareOptions, prepareInitrd, prepareKernel } from './prepare.ts';
import { findPrivileges } from './privileges.ts';
import { makeScratch } from './scratch.ts';
import { sourceLines } from './sources.ts';
import { installPackages, makeFileSystem, packDisk } from './stages.ts';
import { checkSpace, checkTools } from './tools.ts';
import { makeTree } from './tree.ts';

export interface BuildOptions extends PrepareOptions {
  readonly recipe: Recipe;
  /** Where the build's large temporary directory goes; other users must be able to pass through it. */
  readonly scratch?: string | undefined;
}

export type BuiltImage = DiskEntry & { readonly manifest: DirectImageManifest };

export interface BuildResult {
  readonly image: BuiltImage;
  /** Absolute path of the initial RAM disk for it. */
  readonly initrd: string;
  /** False when the image was there already. */
  readonly built: boolean;
}

const SCRATCH_BYTES = 4 * 1024 ** 3;
const POOL_BYTES = 1024 ** 3;
const DISK = 'disk.qcow2';
const KERNEL = 'kernel';

/**
 * Build an image by a recipe and put it into the pool, whole or not at all. One that is there is left alone unless
 * `force` is given.
 * @throws VtorqueError `E_IMAGE_BUILD` with the stage and its last lines, `E_TOOL_MISSING`, `E_DISK_SPACE`,
 *   `E_NO_SOURCE`, `E_NO_PRIVILEGES`, `E_IMAGE_EXISTS`, `E_LOCKED`, and those of the kernel
 */
export async function buildImage(options: BuildOptions): Promise<BuildResult> {
  const { recipe, places, own, signal, progress, uid } = options;
  const pool = imagePools([own])[0] as string;
  await readAgent(options.agent);
  const there = await existing(options, pool);
  if (there !== undefined) return finish(there, options, false);
  await checkTools(recipe.name);
  await makeReadableDirectory(pool);
  await using _lock = await holdPool(pool, { progress, signal });
  const madeMeanwhile = await existing(options, pool);
  if (madeMeanwhile !== undefined) return finish(madeMeanwhile, options, false);
  await sweep(pool);
  await publishDirectory(join(pool, recipe.name), (fresh) => make(fresh, options, pool));
  const image = (await findImage(recipe.name, [pool])) as BuiltImage;
  // The pages were just written; jobs find the digest and need not read the whole disk.
  await rememberedDigest(join(image.dir, image.manifest.disk.file), { places, own, uid, signal });
  return finish(image, options, true);
}

async function finish(image: BuiltImage, options: BuildOptions, built: boolean): Promise<BuildResult> {
  const dir = join(image.dir, image.manifest.kernel.dir);
  return { image, initrd: await prepareInitrd({ dir }, options), built };
}

async function existing({ recipe, places, force }: BuildOptions, pool: string): Promise<BuiltImage | undefined> {
  const found = await findImage(recipe.name, imagePools(places)).catch((error: unknown) => {
    if (error instanceof VtorqueError && error.code.startsWith('E_IMAGE_')) return undefined;
    throw error;
  });
  if (found?.kind !== 'disk') return undefined;
  const { manifest } = found;
  if (manifest.boot === 'disk') {
    const text = `Cannot build image "${recipe.name}": an image of this name was added from a file`;
    throw new VtorqueError('E_IMAGE_EXISTS', text, {
      hint: `Delete that one with: vtorque image delete ${recipe.name}`,
    });
  }
  if (!force) return { ...found, manifest };
  if (found.pool === pool) return undefined;
  throw new VtorqueError(
    'E_IMAGE_EXISTS',
    `Cannot build image "${recipe.name}" again: the one in "${found.pool}" would be used before it`,
    {
      hint: 'Ask who keeps that pool to build it again',
    },
  );
}

async function make(fresh: string, options: BuildOptions, pool: string): Promise<void> {
  const { recipe, progress, signal, uid } = options;
  const stage = <T>(name: string, work: (note: (text: string) => void) => Promise<T>): Promise<T> =>
    runStage(progress, name, work).catch((error: unknown) => {
      throw error instanceof ToolFailed ? stageFailed(recipe.name, name, error) : error;
    });
  const parent = options.scratch ?? (uid === 0 ? pool : '/var/tmp');
  const { privileges, sources } = await stage('check', async (note) => {
    await checkSpace(recipe.name, parent, SCRATCH_BYTES);
    await checkSpace(recipe.name, pool, POOL_BYTES);
    return { privileges: await findPrivileges(uid, signal), sources: await sourceLines(recipe, { signal, note }) };
  });
  const kernel = await prepareKernel(options);
  await using scratch = await makeScratch({ parent, pool, uid, privileges });
  const context = { recipe, kernel, privileges, work: scratch.dir, signal };
  const archive = await stage('packages', (note) => {
    note(`by ${privileges.kind}`);
    return installPackages(context, sources, note);
  });
  const tree = await stage('root directory', () => makeTree(archive, context));
  const raw = await stage('file system', () => makeFileSystem(context, tree));
  await stage('disk image', () => packDisk(raw, join(fresh, DISK), context));
  await stage('digest', () => complete(fresh, recipe, kernel, signal));
}

function stageFailed(image: string, stage: string, error: ToolFailed): VtorqueError {
  const text = `Cannot build image "${image}": stage "${stage}" failed with ${error.ran.ending}`;
  return new VtorqueError('E_IMAGE_BUILD', text, { details: error.ran.said, cause: error });
}

/** Add to the disk what makes it an image: its kernel and its manifest. */
async function complete(fresh: string, recipe: Recipe, kernel: GuestKernel, signal?: AbortSignal): Promise<void> {
  await copyKernel(kernel.dir, join(fresh, KERNEL));
  const disk = join(fresh, DISK);
  await writeFile(join(fresh, USE_LOCK), '');
  const manifest: DirectImageManifest = {
    format: 1,
    name: recipe.name,
    description: recipe.description,
    distro: recipe.distro,
    release: recipe.release,
    arch: kernel.arch,
    created: new Date().toISOString(),
    disk: {
      file: DISK,
      format: 'qcow2',
      sha256: await sha256OfFile(disk, signal),
      size: (await stat(disk)).size,
      virtualSize: recipe.diskSize,
    },
    boot: 'direct',
    kernel: { release: kernel.release, dir: KERNEL },
    root: { device: '/dev/vda', type: 'ext4' },
    init: 'agent',
    ...(recipe.minRam !== undefined && { minRam: recipe.minRam }),
  };
  await writeFile(join(fresh, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The image keeps its own kernel: the cache may be cleared, and its modules fit no other. */
async function copyKernel(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyKernel(source, target);
    else if (entry.name !== PACKAGE) await linkOrCopy(source, target);
  }
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  await link(source, target).catch(async (error: NodeJS.ErrnoException) => {
    // Another file system, or a file of root's that the kernel lets nobody else link to.
    if (error.code !== 'EXDEV' && error.code !== 'EPERM') throw error;
    await rm(target, { force: true });
    await copyFile(source, target);
  });
}
