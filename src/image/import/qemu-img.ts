import { VtorqueError } from '../../base/index.ts';
import { ToolFailed } from '../../process/index.ts';
import { run } from '../run.ts';
import type { ImportFormat } from './header.ts';

export interface DiskFacts {
  /** Bytes that a guest sees. */
  readonly virtualSize: number;
}

/** Against headers that ask for endless tables: OpenStack's limits, which have held for years. */
const infoLimits = ['--cpu=30', `--as=${1024 ** 3}`];
const INFO_MS = 60_000;
const CONVERT_MS = 3_600_000;
const CHECK_CPU_S = 600;
/** By the manual page of qemu-img. */
const CHECK_LEAKS = 3;

/** The part of `qemu-img info --output=json` that matters here. */
interface Info {
  readonly format?: string;
  readonly 'virtual-size'?: number;
  readonly encrypted?: boolean;
  readonly 'backing-filename'?: string;
  readonly 'full-backing-filename'?: string;
  readonly 'format-specific'?: { readonly data?: FormatSpecific };
}

interface FormatSpecific {
  readonly 'data-file'?: string;
  readonly corrupt?: boolean;
  readonly 'create-type'?: string;
  readonly extents?: readonly { readonly filename?: string }[];
}

const oneFileVmdks = new Set(['monolithicSparse', 'streamOptimized']);

/**
 * Have qemu-img read a disk's header, as the given format only and within limits of time and memory.
 * @throws Error with the reason why the disk is not used
 */
export async function inspectDisk(path: string, format: ImportFormat, signal?: AbortSignal): Promise<DiskFacts> {
  const argv = ['prlimit', ...infoLimits, '--', 'qemu-img', 'info', '--output=json', '-f', format, path] as const;
  const output = await run([...argv], { withinMs: INFO_MS, signal }).catch((error: unknown) => {
    throw error instanceof ToolFailed ? new Error(reasonOf(error, path)) : error;
  });
  const info = JSON.parse(output.toString()) as Info;
  const reason = whyNot(info, format, path);
  if (reason !== undefined) throw new Error(reason);
  return { virtualSize: Number(info['virtual-size']) };
}

/**
 * Look for data that the file's tables name and the file does not have: what a broken download leaves, and what QEMU reads as zeros.
 * @throws Error with the reason why the disk is not used
 */
export async function checkWhole(path: string, format: ImportFormat, signal?: AbortSignal): Promise<void> {
  // A raw disk has no tables.
  if (format === 'raw') return;
  const limits = [`--cpu=${CHECK_CPU_S}`, `--as=${4 * 1024 ** 3}`];
  try {
    await run(['prlimit', ...limits, '--', 'qemu-img', 'check', '-q', '-f', format, path], {
      withinMs: CONVERT_MS,
      signal,
    });
  } catch (error) {
    if (!(error instanceof ToolFailed)) throw error;
    // Clusters that nothing uses are no damage: whoever made the file was interrupted, and nothing is missing.
    if (error.ran.code === CHECK_LEAKS) return;
    throw new Error('it is damaged, or a part of it is missing: qemu-img check finds errors');
  }
}

/** Why a disk is not used, by what qemu-img tells of it. Pure. */
export function whyNot(info: Info, format: ImportFormat, path: string): string | undefined {
  const data = info['format-specific']?.data ?? {};
  if (info.format !== format) return `qemu-img takes it for ${info.format}, not ${format}`;
  if (info['backing-filename'] !== undefined || info['full-backing-filename'] !== undefined)
    return 'it has a backing file';
  if (data['data-file'] !== undefined) return 'its data is in another file';
  if (info.encrypted === true) return 'it is encrypted';
  if (data.corrupt === true) return 'it is marked as damaged';
  if (format === 'vmdk') {
    const kind = data['create-type'] ?? 'unknown';
    if (!oneFileVmdks.has(kind)) return `it is a VMDK of kind ${kind}, which may name other files`;
    if (data.extents?.some(({ filename }) => filename !== path)) return 'it names other files';
  }
  const size = info['virtual-size'];
  if (!Number.isSafeInteger(size) || Number(size) <= 0) return 'it has no size';
  return undefined;
}

/** The tool's own words, without its name and without the path, which the reader knows under another name. */
function reasonOf({ ran }: ToolFailed, path: string): string {
  const words = ran.said
    .filter((line) => line.startsWith('qemu-img: '))
    .map((line) => line.slice('qemu-img: '.length).replaceAll(`'${path}'`, 'it').replaceAll(path, 'it'));
  return words.length === 0 ? `qemu-img ended with ${ran.ending}` : words.join('; ');
}

/**
 * Write a disk anew as compressed qcow2: what was odd in the old file's structure does not come along.
 * @throws ToolFailed
 */
export async function convertDisk(
  source: { readonly path: string; readonly format: ImportFormat; readonly virtualSize: number },
  target: string,
  { signal, note }: { readonly signal?: AbortSignal | undefined; readonly note: (text: string) => void },
): Promise<void> {
  // The tables of a qcow2 file take less than a thousandth of what they describe.
  const mostBytes = source.virtualSize + Math.ceil(source.virtualSize / 100) + 64 * 1024 ** 2;
  const limits = [`--fsize=${mostBytes}`, `--as=${4 * 1024 ** 3}`];
  const options = ['-p', '-c', '-f', source.format, '-O', 'qcow2', '-o', 'compression_type=zstd'];
  await run(['prlimit', ...limits, '--', 'qemu-img', 'convert', ...options, source.path, target], {
    withinMs: CONVERT_MS,
    signal,
    onLine: (line) => {
      const [percent] = /[\d.]+(?=\/100%\)\s*$)/.exec(line) ?? [];
      if (percent !== undefined) note(`${Math.floor(Number(percent))} %`);
    },
  });
}

/** Read the first sector as a guest would. @throws ToolFailed */
export async function bootSector(disk: string, scratch: string, signal?: AbortSignal): Promise<void> {
  const argv = [
    'prlimit',
    ...infoLimits,
    '--',
    'qemu-img',
    'dd',
    '-f',
    'qcow2',
    '-O',
    'raw',
    'bs=512',
    'count=1',
  ] as const;
  await run([...argv, `if=${disk}`, `of=${scratch}`], { withinMs: INFO_MS, signal });
}

/** @throws VtorqueError `E_IMAGE_FILE` */
export function refuse(file: string, reason: string, hint?: string): never {
  throw new VtorqueError('E_IMAGE_FILE', `Cannot add image "${file}": ${reason}`, {
    phase: 'check',
    ...(hint === undefined ? {} : { hint }),
  });
}
