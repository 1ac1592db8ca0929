import { open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileReason, formatSize, messageOf, VtorqueError } from '../../base/index.ts';
import { makeReadableDirectory, ToolFailed } from '../../process/index.ts';
import type { Places } from '../../site/index.ts';
import { checkSpace } from '../builder/tools.ts';
import { findImage, imagePools } from '../catalogue.ts';
import { sha256OfFile } from '../digest.ts';
import { MANIFEST } from '../manifest.ts';
import { checkImageName } from '../names.ts';
import { holdPool } from '../pool/hold.ts';
import { type Progress, runStage } from '../progress.ts';
import { publishDirectory, sweep } from '../publish.ts';
import { run } from '../run.ts';
import type { CloudImageManifest, DiskEntry } from '../types.ts';
import { USE_LOCK } from '../use-lock.ts';
import { HEADER_BYTES, type ImportFormat, judgeHeader } from './header.ts';
import { missingSectors } from './partitions.ts';
import { bootSector, checkWhole, convertDisk, inspectDisk, refuse } from './qemu-img.ts';

export interface AddOptions {
  /** Path of the disk's file. */
  readonly file: string;
  /** What `img=` will name. */
  readonly name: string;
  readonly description: string;
  /** Bytes of memory that guests must have at least. */
  readonly minRam?: number | undefined;
  /** Where images are looked for, first match wins. */
  readonly places: readonly Places[];
  /** Where this process writes. */
  readonly own: Places;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Largest disk, as the guest sees it, that is taken; bytes. */
  readonly largest?: number;
}

/** More than any system disk, and little enough that the tables of a file for it stay small. */
const LARGEST = 1024 ** 4;
const DISK = 'disk.qcow2';
const COPY_MS = 3_600_000;
const SPARE_BYTES = 256 * 1024 ** 2;

/**
 * Add a disk that boots by itself and has cloud-init to the pool: copied, checked, written anew as qcow2, with digest and manifest.
 * @throws VtorqueError `E_IMAGE_FILE` with the reason why the file is not used, `E_IMAGE_NAME`, `E_IMAGE_EXISTS`, `E_DISK_SPACE`,
 *   `E_TOOL_MISSING`, `E_LOCKED`, `E_CANNOT_WRITE`
 */
export async function addImage(options: AddOptions): Promise<DiskEntry> {
  const { file, name, places, own, progress, signal } = options;
  checkImageName(name);
  const pool = imagePools([own])[0] as string;
  const size = await sizeOfFile(file);
  await makeReadableDirectory(pool);
  await using _lock = await holdPool(pool, { progress, signal });
  await refuseKnownName(name, imagePools(places));
  await sweep(pool);
  await checkSpace(name, pool, 2 * size + SPARE_BYTES);
  await publishDirectory(join(pool, name), (fresh) => make(fresh, options));
  return (await findImage(name, [pool])) as DiskEntry;
}

async function sizeOfFile(file: string): Promise<number> {
  const facts = await stat(file).catch((error: unknown) => refuse(file, fileReason(error)));
  if (!facts.isFile()) refuse(file, 'it is no file');
  if (facts.size === 0) refuse(file, 'it is empty');
  return facts.size;
}

async function refuseKnownName(name: string, pools: readonly string[]): Promise<void> {
  const there = await findImage(name, pools).catch((error: unknown) => {
    if (error instanceof VtorqueError && error.code === 'E_IMAGE_UNKNOWN') return undefined;
    throw error;
  });
  if (there === undefined) return;
  throw new VtorqueError('E_IMAGE_EXISTS', `Cannot add image "${name}": there is one of this name`, {
    hint: there.kind === 'host' ? 'Choose another name' : `Choose another name, or first: vtorque image delete ${name}`,
  });
}

async function make(fresh: string, options: AddOptions): Promise<void> {
  const { file, name, progress, signal, largest = LARGEST } = options;
  const stage = <T>(title: string, work: (note: (text: string) => void) => Promise<T>): Promise<T> =>
    runStage(progress, title, work).catch((error: unknown) => {
      throw error instanceof ToolFailed ? stageFailed(name, title, error) : error;
    });
  // A copy of our own: whoever can write the file could change it between the checks and its use.
  const copy = join(fresh, 'source');
  const disk = join(fresh, DISK);
  await stage('copy', () => copyOfFile(file, copy, signal));
  const source = await stage('check', () => checkedSource(copy, file, largest, signal));
  await stage('disk image', (note) => convertDisk(source, disk, { signal, note }));
  const origin = { file: basename(file), format: source.format, sha256: await sha256OfFile(copy, signal) };
  await rm(copy);
  await stage('boot sector', () => checkBootSector(disk, join(fresh, 'sector'), file, source.virtualSize, signal));
  await stage('digest', async () => {
    const sha256 = await sha256OfFile(disk, signal);
    const { size } = await stat(disk);
    await writeFile(join(fresh, USE_LOCK), '');
    const manifest: CloudImageManifest = {
      format: 1,
      name,
      description: options.description,
      // The disk is never mounted here, so nobody has looked.
      distro: 'unknown',
      release: 'unknown',
      arch: arch() === 'arm64' ? 'arm64' : 'amd64',
      created: new Date().toISOString(),
      disk: { file: DISK, format: 'qcow2', sha256, size, virtualSize: source.virtualSize },
      boot: 'disk',
      init: 'system',
      ...(options.minRam !== undefined && { minRam: options.minRam }),
      origin,
    };
    await writeFile(join(fresh, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  });
}

async function copyOfFile(file: string, copy: string, signal: AbortSignal | undefined): Promise<void> {
  const argv = ['cp', '--reflink=auto', '--sparse=always', '--', resolve(file), copy] as const;
  await run([...argv], { withinMs: COPY_MS, signal });
}

async function checkedSource(copy: string, file: string, largest: number, signal: AbortSignal | undefined) {
  const verdict = judgeHeader(await firstBytes(copy), (await stat(copy)).size);
  if (verdict.kind === 'refused') refuse(file, verdict.reason, verdict.hint);
  const { format }: { format: ImportFormat } = verdict;
  const facts = await inspectDisk(copy, format, signal).catch((error: unknown) => {
    throw error instanceof VtorqueError ? error : refuse(file, messageOf(error));
  });
  const { virtualSize } = facts;
  if (virtualSize > largest) {
    const [is, most] = [virtualSize, largest].map((bytes) => formatSize(Math.ceil(bytes / 1024 ** 2) * 1024 ** 2));
    refuse(file, `the guest would see ${is}, and the most is ${most}`);
  }
  await checkWhole(copy, format, signal).catch((error: unknown) => {
    throw error instanceof VtorqueError || signal?.aborted
      ? error
      : refuse(file, messageOf(error), 'Get the file anew');
  });
  return { path: copy, format, virtualSize };
}

async function firstBytes(path: string): Promise<Buffer> {
  await using handle = await open(path, 'r');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

async function checkBootSector(
  disk: string,
  scratch: string,
  file: string,
  virtualSize: number,
  signal?: AbortSignal,
): Promise<void> {
  await bootSector(disk, scratch, signal);
  const sector = await readFile(scratch);
  await rm(scratch);
  const boots = sector[510] === 0x55 && sector[511] === 0xaa && sector.subarray(0, 440).some((byte) => byte !== 0);
  const missing = boots ? missingSectors(sector, virtualSize) : 0;
  if (missing > 0) {
    const size = formatSize(Math.ceil((missing * 512) / 1024 ** 2) * 1024 ** 2);
    refuse(file, `its partitions reach ${size} beyond its end, so a part of it is missing`, 'Get the file anew');
  }
  if (boots) return;
  refuse(
    file,
    'its disk has no boot loader in the first sector',
    'Guests start with a BIOS: use the image that is made for it (often called "bios", "generic" or "genericcloud")',
  );
}

function stageFailed(name: string, stage: string, error: ToolFailed): VtorqueError {
  const text = `Cannot add image "${name}": stage "${stage}" failed with ${error.ran.ending}`;
  return new VtorqueError('E_IMAGE_ADD', text, { details: error.ran.said, cause: error });
}
