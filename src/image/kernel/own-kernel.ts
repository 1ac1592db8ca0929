import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import { lockFile, makeReadableDirectory } from '../../process/index.ts';
import type { Places } from '../../site/index.ts';
import { ensureInitrd, initrdsIn } from '../initrd/ensure.ts';
import { publishDirectory, sweep } from '../publish.ts';
import { whyNotTrusted } from '../trust.ts';
import type { BootFiles, ModuleGroup } from '../types.ts';
import { hasPvhEntry } from './bzimage.ts';
import { objectFile } from './modules.ts';
import { modulesFor, type OwnKernelFile, readOwnKernel, unusable } from './own-file.ts';
import { KERNEL_FORMAT, type KernelRecord, MODULES, RECORD, readKernelRecord, VMLINUX } from './store.ts';
import { extractVmlinux, readModule } from './unpack.ts';

export interface OwnKernelOptions {
  /** Absolute path of the file that the user names. */
  readonly file: string;
  readonly guest: 'host' | 'disk';
  /** Directory of the guest's own kernel: its modules do for a kernel of the same release. */
  readonly usual?: string;
  /** Where what is made of it is kept. */
  readonly place: Places;
  /** Path of the guest agent. */
  readonly agent: string;
  readonly uid: number;
  readonly signal?: AbortSignal | undefined;
}

const LOCK_WAIT_MS = 120_000;
/** Whoever works on a kernel makes many; those used last stay. */
const KEPT = 5;

/** Object files of modules by the name that they get in the RAM disk, and those names by group. */
interface Modules {
  readonly files: ReadonlyMap<string, string>;
  readonly groups: Readonly<Record<ModuleGroup, readonly string[]>>;
  readonly lacks: readonly ModuleGroup[];
}

/** What QEMU boots, and which groups of drivers it has not. */
export interface OwnBoot extends BootFiles {
  readonly lacks: readonly ModuleGroup[];
}

/**
 * Make what QEMU boots of a user's own kernel, once for each kernel and set of modules.
 * @throws VtorqueError `E_KERNEL_FILE`, `E_KERNEL_MODULES`, `E_LOCKED`, `E_CANNOT_WRITE`
 */
export async function ensureOwnKernel(options: OwnKernelOptions): Promise<OwnBoot> {
  const { file, guest, usual, place, agent, uid, signal } = options;
  const kernel = await readOwnKernel(file, uid);
  const modules = (await usualModules(kernel, usual)) ?? treeModules(kernel, guest);
  for (const path of modules.files.values()) {
    const reason = await whyNotTrusted(path, uid);
    if (reason !== undefined) throw unusable(file, `its modules are not to be trusted, ${reason}`, 'See who may write');
  }
  const image = await readFile(file);
  const digest = await digestOf(image, modules);
  const parent = join(place.cache, 'own-kernel');
  const dir = join(parent, `${kernel.release}-${digest.slice(0, 16)}`);
  if ((await readKernelRecord(dir)) === undefined) {
    await makeReadableDirectory(parent);
    await using _lock = await lockFile(join(parent, '.lock'), { waitMs: LOCK_WAIT_MS, signal });
    if ((await readKernelRecord(dir)) === undefined) {
      await sweep(parent);
      const vmlinux = await bootable(file, image, signal);
      await publishDirectory(dir, (fresh) => fill(fresh, kernel.release, digest, vmlinux, modules, signal));
      await removeOldest(parent);
    }
  }
  const now = new Date();
  await utimes(dir, now, now);
  const initrd = await ensureInitrd({ kernel: { dir }, agent, dir: initrdsIn(place), signal });
  return { kernel: join(dir, VMLINUX), kernelRelease: kernel.release, initrd, lacks: modules.lacks };
}

async function usualModules({ release }: OwnKernelFile, usual: string | undefined): Promise<Modules | undefined> {
  const record = usual === undefined ? undefined : await readKernelRecord(usual);
  if (usual === undefined || record?.release !== release) return undefined;
  const names = new Set(Object.values(record.groups).flat());
  return {
    files: new Map([...names].map((name) => [name, join(usual, MODULES, name)])),
    groups: record.groups,
    lacks: [],
  };
}

function treeModules(kernel: OwnKernelFile, guest: 'host' | 'disk'): Modules {
  const { groups: paths, lacks } = modulesFor(kernel, guest);
  const dir = kernel.modules?.dir ?? '';
  const files = Object.values(paths).flatMap((list) =>
    list.map((path) => [objectFile(path), join(dir, path)] as const),
  );
  const groups: Partial<Record<string, readonly string[]>> = Object.fromEntries(
    Object.entries(paths).map(([group, list]) => [group, list.map(objectFile)]),
  );
  return { files: new Map(files), groups: groups as Record<ModuleGroup, readonly string[]>, lacks };
}

/** The modules' sizes and times stand for their bytes. */
async function digestOf(image: Buffer, { files, groups }: Modules): Promise<string> {
  const facts = await Promise.all(
    [...files.values()].map(async (path) => {
      const { size, mtimeMs } = await stat(path);
      return [path, size, mtimeMs];
    }),
  );
  const parts = JSON.stringify([KERNEL_FORMAT, facts, groups]);
  return createHash('sha256').update(parts).update('\0').update(image).digest('hex');
}

async function bootable(file: string, image: Buffer, signal: AbortSignal | undefined): Promise<Buffer> {
  if (image.readUInt32BE(0) === 0x7f454c46 /* ELF */) {
    if (hasPvhEntry(image)) return image;
    throw unusable(file, 'it has no PVH entry', 'Use a kernel that is built with CONFIG_PVH=y');
  }
  try {
    return await extractVmlinux(image, signal);
  } catch (error) {
    if (!(error instanceof VtorqueError) || error.code !== 'E_KERNEL_FORMAT') throw error;
    const state = error.message.replace(/^.*?: /, '');
    throw unusable(file, state, "Use a distribution's own kernel for x86-64, or one that is built with CONFIG_PVH=y");
  }
}

async function fill(
  fresh: string,
  release: string,
  digest: string,
  vmlinux: Buffer,
  { files, groups }: Modules,
  signal: AbortSignal | undefined,
): Promise<void> {
  await writeFile(join(fresh, VMLINUX), vmlinux);
  await mkdir(join(fresh, MODULES));
  for (const [name, path] of files) await writeFile(join(fresh, MODULES, name), await readModule(path, signal));
  const record: KernelRecord = {
    ...{ format: KERNEL_FORMAT, release, package: "a user's own", version: digest, arch: 'amd64' },
    ...{ created: new Date().toISOString(), groups },
  };
  await writeFile(join(fresh, RECORD), `${JSON.stringify(record, null, 2)}\n`);
}

async function removeOldest(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => !name.startsWith('.'));
  const dated = await Promise.all(
    names.map(async (name) => ({ path: join(parent, name), at: (await stat(join(parent, name))).mtimeMs })),
  );
  for (const { path } of dated.sort((a, b) => b.at - a.at).slice(KEPT)) {
    await rm(path, { recursive: true, force: true });
  }
}
