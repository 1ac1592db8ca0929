import { open, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, VtorqueError } from '../../base/index.ts';
import { whyNotTrusted } from '../trust.ts';
import type { CatalogueEntry, ModuleGroup } from '../types.ts';
import { releaseOf } from './bzimage.ts';
import { GROUPS, loadOrder, type ModuleIndex, ModuleMissing } from './modules.ts';

/** Where the modules of a kernel come from: a tree that depmod has indexed. */
export interface ModuleTree {
  /** `.../lib/modules/RELEASE` */
  readonly dir: string;
  readonly index: ModuleIndex;
}

/** A kernel that a user names by its file. */
export interface OwnKernelFile {
  readonly path: string;
  readonly release: string;
  /** Undefined: there is no such tree on this machine. */
  readonly modules: ModuleTree | undefined;
}

/** The tree of the node's own system. */
const systemModules = '/lib/modules';

/** What a guest must have drivers for before it has a root file system, besides one of the kinds of shares. */
const needed: Readonly<Record<'host' | 'disk', readonly ModuleGroup[]>> = {
  host: ['base', 'net', '9p', 'overlay'],
  disk: ['base', 'net', 'disk'],
};
const ofShares: readonly ModuleGroup[] = ['virtiofs', '9p'];

/** The files to load, in load order, below the tree's directory; and what the kernel cannot do. */
export interface KernelModules {
  readonly groups: Readonly<Record<ModuleGroup, readonly string[]>>;
  readonly lacks: readonly ModuleGroup[];
}

/**
 * Look at the kernel in a file: of which release it is, and where its modules are. Those in `lib/modules` beside the file's
 * directory, as in an unpacked package or a build's own tree, come before those of this machine's system.
 * @throws VtorqueError `E_KERNEL_FILE`
 */
export async function readOwnKernel(path: string, uid: number): Promise<OwnKernelFile> {
  const reason = await whyNotTrusted(path, uid);
  if (reason !== undefined) throw unusable(path, reason, 'Name a file that only you or root may write');
  const facts = await stat(path);
  if (!facts.isFile()) throw unusable(path, 'it is no file', 'Name a kernel, such as /boot/vmlinuz-RELEASE');
  const release = await readRelease(path).catch((error: unknown) => {
    throw unusable(path, messageOf(error), 'See that you may read it');
  });
  if (release === undefined) {
    const hint = 'Name a kernel for x86-64: a bzImage such as /boot/vmlinuz-RELEASE, or an uncompressed vmlinux';
    throw unusable(path, 'it is no Linux kernel', hint);
  }
  const beside = join(dirname(await realpath(path)), '../lib/modules');
  let modules: ModuleTree | undefined;
  for (const parent of new Set([beside, systemModules])) {
    modules ??= await moduleTree(join(parent, release));
  }
  return { path, release, modules };
}

export function unusable(path: string, state: string, hint: string): VtorqueError {
  return new VtorqueError('E_KERNEL_FILE', `Cannot use kernel="${path}": ${state}`, { hint, phase: 'check' });
}

/**
 * Find the drivers of a guest among the modules and what is built in.
 * @throws VtorqueError `E_KERNEL_MODULES` for one that the guest cannot do without
 */
export function modulesFor({ path, release, modules }: OwnKernelFile, guest: 'host' | 'disk'): KernelModules {
  if (modules === undefined) {
    throw new VtorqueError(
      'E_KERNEL_MODULES',
      `Cannot use kernel="${path}": there are no modules of its release ${release}, and so no drivers`,
      {
        hint: `They belong in ${join(dirname(path), '../lib/modules', release)} or ${join(systemModules, release)}, indexed by depmod`,
        phase: 'check',
      },
    );
  }
  const groups: Partial<Record<ModuleGroup, readonly string[]>> = {};
  const lacks: ModuleGroup[] = [];
  for (const [group, wanted] of Object.entries(GROUPS) as [ModuleGroup, readonly string[]][]) {
    try {
      groups[group] = loadOrder(modules.index, wanted);
    } catch (error) {
      if (!(error instanceof ModuleMissing)) throw error;
      if (needed[guest].includes(group)) throw driverMissing(path, modules.dir, error.message, guest);
      groups[group] = [];
      lacks.push(group);
    }
  }
  if (ofShares.every((group) => lacks.includes(group))) {
    throw driverMissing(path, modules.dir, 'neither module "virtiofs" nor "9p"', guest);
  }
  return { groups: groups as Record<ModuleGroup, readonly string[]>, lacks };
}

function driverMissing(path: string, dir: string, what: string, guest: 'host' | 'disk'): VtorqueError {
  const drivers = needed[guest].flatMap((group) => GROUPS[group]).join(', ');
  const shares = guest === 'host' ? '' : ', and virtiofs or 9p';
  return new VtorqueError('E_KERNEL_MODULES', `Cannot use kernel="${path}": ${what} in "${dir}", nor built in`, {
    hint: `This guest needs ${drivers}${shares}: use a kernel that has them as modules or built in`,
    phase: 'check',
  });
}

/**
 * Refuse a kernel for an image that boots by its own loader.
 * @throws VtorqueError `E_KERNEL_IMAGE`
 */
export function checkKernelTakes(kernel: string, entry: CatalogueEntry): void {
  if (entry.kind === 'host' || entry.manifest.boot === 'direct') return;
  throw new VtorqueError(
    'E_KERNEL_IMAGE',
    `Cannot use kernel="${kernel}" with image "${entry.name}": it boots by its own loader, with its own kernel`,
    { hint: 'Leave out kernel=, or use img=host or an image that was built here', phase: 'check' },
  );
}

async function readRelease(path: string): Promise<string | undefined> {
  await using file = await open(path);
  const head = Buffer.alloc(64 * 1024);
  const { bytesRead } = await file.read(head, 0, head.length, 0);
  const release = releaseOf(head.subarray(0, bytesRead));
  if (release !== undefined || head.readUInt32BE(0) !== 0x7f454c46 /* ELF */) return release;
  const whole = await readFile(path);
  const words = 'Linux version ';
  const at = whole.indexOf(words);
  return at < 0 ? undefined : /^[\w.+~-]+/.exec(whole.toString('latin1', at + words.length, at + 200))?.[0];
}

async function moduleTree(dir: string): Promise<ModuleTree | undefined> {
  const read = (name: string): Promise<string> =>
    readFile(join(dir, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
      throw error;
    });
  const [dep, softdep, alias, builtin] = await Promise.all([
    read('modules.dep'),
    read('modules.softdep'),
    read('modules.alias'),
    read('modules.builtin'),
  ]);
  return dep === '' && builtin === '' ? undefined : { dir, index: { dep, softdep, alias, builtin } };
}
