import { chown, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import { ToolFailed } from '../../process/index.ts';
import { sha256OfFile } from '../digest.ts';
import { run } from '../run.ts';

/** A package as apt would install it now. */
export interface PackageVersion {
  readonly name: string;
  readonly version: string;
  /** Bytes of the package's file. */
  readonly size: number;
  /** SHA-256 of the package's file by apt's signed index, in hexadecimal. */
  readonly sha256: string;
}

interface AptContext {
  readonly signal?: AbortSignal | undefined;
  readonly note: (text: string) => void;
}

const QUERY_MS = 60_000;
const UPDATE_MS = 180_000;
const DOWNLOAD_MS = 300_000;

/** Debian's name of this machine's architecture. */
export async function debianArchitecture(signal?: AbortSignal): Promise<string> {
  return (await run(['dpkg', '--print-architecture'], { withinMs: QUERY_MS, signal })).toString().trim();
}

/**
 * The concrete kernel package behind Debian's metapackage `linux-image-<arch>`.
 * As root, apt's lists are fetched when they lack it.
 * @throws VtorqueError `E_NO_KERNEL_PACKAGE`
 */
export async function findKernelPackage(arch: string, context: AptContext): Promise<PackageVersion> {
  const meta = `linux-image-${arch}`;
  const found = (await lookUp(meta, context)) ?? (await updateThen(context, () => lookUp(meta, context)));
  if (found !== undefined) return found;
  throw new VtorqueError('E_NO_KERNEL_PACKAGE', `Cannot find a guest kernel: apt knows no package "${meta}"`, {
    hint: 'Debian has it: see that apt has a source of Debian packages and run apt-get update as root',
  });
}

async function lookUp(meta: string, context: AptContext): Promise<PackageVersion | undefined> {
  const depends = (await show(meta, context))?.get('Depends') ?? '';
  const [, name, version] = /\b(linux-image-\d[^ ,|(]*)(?: \(= ([^)]+)\))?/.exec(depends) ?? [];
  if (name === undefined) return undefined;
  const fields = await show(version === undefined ? name : `${name}=${version}`, context);
  const sha256 = fields?.get('SHA256');
  if (fields === undefined || sha256 === undefined) return undefined;
  return { name, version: fields.get('Version') ?? '', size: Number(fields.get('Size')), sha256 };
}

async function show(what: string, { signal }: AptContext): Promise<Map<string, string> | undefined> {
  try {
    const output = await run(['apt-cache', 'show', '--no-all-versions', what], {
      withinMs: QUERY_MS,
      signal,
    });
    return firstParagraph(output.toString());
  } catch (error) {
    // apt-cache ends with 100 for a package that it does not know.
    if (error instanceof ToolFailed && error.ran.code === 100) return undefined;
    throw error;
  }
}

/** The fields of the first paragraph of a Debian control file; continuation lines are left out. */
export function firstParagraph(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line.trim() === '') break;
    const [, name, value] = /^([^\s:]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  return fields;
}

/**
 * Fetch a package's file into a new directory `dir` without installing it, and check it against apt's signed index.
 * @returns the file's path
 * @throws VtorqueError `E_DOWNLOAD`
 */
export async function downloadPackage(wanted: PackageVersion, dir: string, context: AptContext): Promise<string> {
  await mkdir(dir, { mode: 0o755 });
  // As root, apt downloads as its own unprivileged user, who must be able to write here.
  const sandboxUser = process.getuid?.() === 0 ? await uidOf('_apt') : undefined;
  if (sandboxUser !== undefined) await chown(dir, sandboxUser, 0);
  try {
    const fetched =
      (await tryDownload(wanted, dir, context)) || (await updateThen(context, () => tryDownload(wanted, dir, context)));
    if (!fetched) throw new Error('apt-get update needs root');
  } catch (error) {
    const isTold = error instanceof VtorqueError && !(error instanceof ToolFailed);
    if (isTold || context.signal?.aborted) throw error;
    throw new VtorqueError('E_DOWNLOAD', `Cannot download "${wanted.name}" ${wanted.version}: apt-get failed`, {
      hint: 'See that this machine reaches the package server that its apt is set to, and that apt-get update was run lately',
      details: error instanceof ToolFailed ? error.ran.said : [],
      cause: error,
    });
  }
  // Nobody but us may change the file from here on.
  if (sandboxUser !== undefined) await chown(dir, 0, 0);
  const file = (await readdir(dir)).find((name) => name.endsWith('.deb'));
  const path = join(dir, file ?? '');
  if (file === undefined || (await sha256OfFile(path, context.signal)) !== wanted.sha256) {
    throw new VtorqueError(
      'E_DOWNLOAD',
      `Cannot use the download of "${wanted.name}" ${wanted.version}: it is not what apt's index says`,
      {
        hint: 'Try again; if it happens again, run apt-get update as root',
      },
    );
  }
  return path;
}

async function tryDownload(wanted: PackageVersion, dir: string, context: AptContext): Promise<boolean> {
  try {
    await run(
      ['apt-get', 'download', '-o', 'Acquire::Retries=2', '-o', 'APT::Status-Fd=2', `${wanted.name}=${wanted.version}`],
      {
        cwd: dir,
        withinMs: DOWNLOAD_MS,
        signal: context.signal,
        onLine: (line) => {
          const [, percent] = /^dlstatus:\d+:([\d.]+):/.exec(line) ?? [];
          if (percent !== undefined) context.note(`${Math.floor(Number(percent))} %`);
        },
      },
    );
    return true;
  } catch (error) {
    // A list that is older than the server names files that are gone. Only root can fetch new lists.
    if (error instanceof ToolFailed && process.getuid?.() === 0) return false;
    throw error;
  }
}

/** Fetch apt's lists as root, then do `again`; as another user there is nothing to be done. */
export async function updateThen<T>(context: AptContext, again: () => Promise<T>): Promise<T | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  context.note('apt-get update');
  await run(['apt-get', 'update', '-q'], { withinMs: UPDATE_MS, signal: context.signal });
  return again();
}

async function uidOf(name: string): Promise<number | undefined> {
  const line = (await readFile('/etc/passwd', 'utf8')).split('\n').find((entry) => entry.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(':')[2]);
}
