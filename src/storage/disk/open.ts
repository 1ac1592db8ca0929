import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rm, stat } from 'node:fs/promises';
import { fileReason, VtorqueError } from '../../base/index.ts';
import { blank } from './blank.ts';
import { type DiskHolder, lockDisk } from './lock.ts';
import { emptyQcow2, judgeQcow2, QCOW2_HEADER_BYTES } from './qcow2.ts';
import { scratchFile } from './scratch.ts';

/** A disk that a VM may have, open and, if it has a name, locked. Disposing of it lets it go. */
export interface OpenDisk extends AsyncDisposable {
  /** As it is called in errors. */
  readonly name: string;
  readonly file: FileHandle;
  readonly format: 'raw' | 'qcow2';
  /** Nothing was ever written to it. */
  readonly blank: boolean;
  /** It outlives the job. */
  readonly keeps: boolean;
}

export interface DiskOptions {
  readonly holder: DiskHolder;
  /** Of the locks of the user's disks. */
  readonly locks: string;
  /** Where scratch disks are. */
  readonly scratch: string;
}

/** Scratch of a size, or a file; with both one that is made if it is missing. */
export type WantedDisk = { readonly file?: string; readonly size?: number };

/**
 * Open the disk that a job asks for, with the rights of this process. The format is what the file's name says, never what is in it.
 * @throws VtorqueError `E_DISK_FILE` for what cannot be used, `E_DISK_IN_USE`, `E_SCRATCH`
 */
export async function openDisk({ file, size = 0 }: WantedDisk, options: DiskOptions): Promise<OpenDisk> {
  if (file === undefined) {
    const scratch = await scratchFile(options.scratch, size);
    const asDisk = { name: 'the scratch disk', file: scratch, format: 'raw', blank: true, keeps: false } as const;
    return { ...asDisk, [Symbol.asyncDispose]: () => scratch.close() };
  }
  await using cleanup = new AsyncDisposableStack();
  const made = size > 0 && (await make(file));
  if (made) cleanup.defer(() => rm(file, { force: true }));
  const opened = await openFile(file, size);
  const { bytes } = opened;
  const held = new AsyncDisposableStack();
  cleanup.use(held);
  held.defer(() => bytes.close());
  held.use(await lockDisk(await realpath(file), options.holder, options.locks));
  const format = formatOf(file);
  // Looked at with the lock: whoever had it before may have been the one that filled it.
  if (size > 0 && (await bytes.stat()).size === 0) await fill(bytes, format, size);
  if (format === 'raw') await refuseQcow2(file, bytes);
  // Each entry of the table is for half a gigabyte, or less: without any there is no content.
  const isBlank = await blank(bytes, format === 'raw' ? undefined : await qcow2Table(file, bytes));
  const kept = held.move();
  cleanup.move();
  const asDisk = { name: `"${file}"`, file: bytes, format, blank: isBlank, keeps: true } as const;
  return { ...asDisk, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/**
 * Look whether a job could use this file, as far as it can be told here, and leave it as it is.
 * @param missing it may be that this machine has not what the job's node has
 * @throws VtorqueError `E_DISK_FILE`
 */
export async function checkDiskFile(file: string, size = 0, missing: 'allowed' | 'refused' = 'refused'): Promise<void> {
  const there = await stat(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return error;
  });
  if (there === undefined && (missing === 'allowed' || size > 0)) return;
  const { bytes } = await openFile(file, size);
  try {
    if ((await bytes.stat()).size === 0) return;
    if (formatOf(file) === 'raw') await refuseQcow2(file, bytes);
    else await qcow2Table(file, bytes);
  } finally {
    await bytes.close();
  }
}

/** @returns whether it was missing */
async function make(file: string): Promise<boolean> {
  try {
    await (await open(file, 'wx', 0o600)).close();
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    const reason = code === 'ENOENT' ? 'there is no such directory' : fileReason(error);
    throw unusable(file, reason, 'It is made in a directory that is there, and yours to write', error);
  }
}

async function openFile(file: string, size: number): Promise<{ bytes: FileHandle }> {
  // Not waiting: it may be anything, a pipe too.
  const bytes = await open(file, constants.O_RDWR | constants.O_NONBLOCK).catch((error: unknown) => {
    const { code = '' } = error as NodeJS.ErrnoException;
    const hint = code === 'ENOENT' ? `To have it made, give it a size: disk=${file}:10G` : 'It must be yours to write';
    throw unusable(file, code === 'ENOENT' ? 'there is none on this node' : fileReason(error), hint, error);
  });
  const facts = await bytes.stat();
  const wrong = !facts.isFile() ? 'it is no ordinary file' : facts.size === 0 && size === 0 ? 'it is empty' : undefined;
  if (wrong === undefined) return { bytes };
  await bytes.close();
  throw unusable(file, wrong, `To have one made, name a file that is not there, and a size: disk=FILE.raw:10G`);
}

async function fill(bytes: FileHandle, format: 'raw' | 'qcow2', size: number): Promise<void> {
  if (format === 'raw') await bytes.truncate(size);
  else await bytes.writeFile(emptyQcow2(size));
}

function formatOf(file: string): 'raw' | 'qcow2' {
  return file.endsWith('.qcow2') ? 'qcow2' : 'raw';
}

async function refuseQcow2(file: string, bytes: FileHandle): Promise<void> {
  const { buffer } = await bytes.read({ buffer: Buffer.alloc(4), position: 0 });
  if (buffer.toString('latin1') !== 'QFI\xfb') return;
  throw unusable(file, 'by its name it is a raw disk, and its content is qcow2', 'Give it a name that ends in .qcow2');
}

async function qcow2Table(file: string, bytes: FileHandle): Promise<{ offset: number; length: number }> {
  const { buffer } = await bytes.read({ buffer: Buffer.alloc(QCOW2_HEADER_BYTES), position: 0 });
  const verdict = judgeQcow2(buffer);
  if (verdict.kind === 'usable') return verdict.l1;
  const hint = 'A disk must be one whole file of its own: qemu-img convert -O qcow2 OLD NEW.qcow2';
  throw unusable(file, verdict.reason, hint);
}

function unusable(file: string, reason: string, hint: string, cause?: unknown): VtorqueError {
  return new VtorqueError('E_DISK_FILE', `Cannot use disk="${file}": ${reason}`, { hint, phase: 'storage', cause });
}
