import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { VtorqueError } from '../../base/index.ts';
import { run } from '../run.ts';
import { hasPvhEntry, payloadOf } from './bzimage.ts';
import type { ModuleIndex } from './modules.ts';

const UNPACK_MS = 120_000;

/**
 * The uncompressed kernel inside a bzImage.
 * @throws VtorqueError `E_KERNEL_FORMAT` when QEMU could not start it directly
 */
export async function extractVmlinux(image: Uint8Array, signal?: AbortSignal): Promise<Buffer> {
  const payload = payloadOf(image);
  if (payload === undefined) throw kernelFormat('its file is no bzImage that we can take apart');
  const elf = await unpack(payload.packing, payload.packed, signal);
  if (elf.byteLength !== payload.size) throw kernelFormat(`it unpacks to ${elf.byteLength} bytes, not ${payload.size}`);
  if (!hasPvhEntry(elf)) throw kernelFormat('it has no PVH entry');
  return elf;
}

function kernelFormat(state: string): VtorqueError {
  return new VtorqueError('E_KERNEL_FORMAT', `Cannot use the kernel: ${state}`, {
    hint: "Use a distribution's own kernel for x86-64",
  });
}

/** Undo a packing that kernels and modules come in. */
async function unpack(packing: string, bytes: Uint8Array, signal?: AbortSignal): Promise<Buffer> {
  const filter = (argv: readonly [string, ...string[]]): Promise<Buffer> =>
    run(argv, { input: bytes, withinMs: UNPACK_MS, signal });
  switch (packing) {
    case 'gzip':
    case 'gz':
      return promisify(gunzip)(bytes);
    case 'zstd':
    case 'zst':
      return promisify<Uint8Array, Buffer>(zstdDecompress)(bytes);
    case 'xz':
      return filter(['xz', '--decompress', '--stdout', '--single-stream']);
    case 'lz4':
      return filter(['lz4', '-d', '-c']);
    default:
      throw kernelFormat(`packing "${packing}" is not known`);
  }
}

/** A module's object file, unpacked where the distribution packs modules. */
export async function readModule(path: string, signal?: AbortSignal): Promise<Buffer> {
  const bytes = await readFile(path);
  const packing = /\.ko\.(\w+)$/.exec(path)?.[1];
  return packing === undefined ? bytes : unpack(packing, bytes, signal);
}

/** The only kernel release below `<root>/lib/modules`. */
export async function releaseIn(root: string): Promise<string> {
  const [release, ...more] = await readdir(join(root, 'lib/modules'));
  if (release === undefined || more.length > 0)
    throw kernelFormat('its package does not have the modules of one release');
  return release;
}

/** Write depmod's index of the modules below `<root>/lib/modules/<release>` and read it. */
export async function indexModules(root: string, release: string, signal?: AbortSignal): Promise<ModuleIndex> {
  await run(['depmod', '-b', root, release], { withinMs: UNPACK_MS, signal });
  const read = (file: string): Promise<string> => readFile(join(root, 'lib/modules', release, file), 'utf8');
  const [dep, softdep, alias, builtin] = await Promise.all(
    ['modules.dep', 'modules.softdep', 'modules.alias', 'modules.builtin'].map(read),
  );
  return { dep: dep ?? '', softdep: softdep ?? '', alias: alias ?? '', builtin: builtin ?? '' };
}
