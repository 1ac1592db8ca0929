import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import { lockFile, makeReadableDirectory, ToolFailed } from '../../process/index.ts';
import { type Progress, runStage } from '../progress.ts';
import { publishDirectory, sweep } from '../publish.ts';
import { run } from '../run.ts';
import type { GuestKernel, ModuleGroup } from '../types.ts';
import { debianArchitecture, downloadPackage, findKernelPackage, type PackageVersion } from './apt.ts';
import { GROUPS, loadOrder, objectFile } from './modules.ts';
import { KERNEL_FORMAT, type KernelRecord, kernelAt, listKernels, MODULES, PACKAGE, RECORD, VMLINUX } from './store.ts';
import { extractVmlinux, indexModules, readModule, releaseIn } from './unpack.ts';

export interface EnsureKernelOptions {
  /** Where kernels are kept, `<cache>/kernel`; each gets its own directory there, named by its release. */
  readonly dir: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Ask apt for a newer one although there is one. */
  readonly refresh?: boolean;
}

const LOCK_WAIT_MS = 600_000;
const UNPACK_MS = 180_000;

/**
 * See that there is a guest kernel: Debian's full kernel package, downloaded and taken apart, never installed, because
 * installing one changes the machine's boot loader.
 * @returns the newest one there
 * @throws VtorqueError `E_KERNEL_PREPARE`, `E_NO_KERNEL_PACKAGE`, `E_DOWNLOAD`, `E_KERNEL_FORMAT`, `E_TOOL_MISSING`, `E_LOCKED`
 */
export async function ensureGuestKernel(options: EnsureKernelOptions): Promise<GuestKernel> {
  const { dir, progress, signal } = options;
  if (!options.refresh) {
    const there = (await listKernels(dir))[0];
    if (there !== undefined) return there;
  }
  await makeReadableDirectory(dir);
  await using _lock = await lockFile(join(dir, '.lock'), {
    waitMs: LOCK_WAIT_MS,
    signal,
    onWait: () => progress({ kind: 'note', stage: 'kernel', text: 'another process prepares it' }),
  });
  const madeMeanwhile = (await listKernels(dir))[0];
  if (madeMeanwhile !== undefined && !options.refresh) return madeMeanwhile;
  await sweep(dir);
  const work = await mkdtemp(join(dir, '.new-work-'));
  // apt's own user must reach its download below it.
  await chmod(work, 0o711);
  try {
    return await make(options, work);
  } catch (error) {
    throw error instanceof ToolFailed ? failed(error) : error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function failed(error: ToolFailed): VtorqueError {
  return new VtorqueError(
    'E_KERNEL_PREPARE',
    `Cannot prepare a guest kernel: ${error.ran.program} ended with ${error.ran.ending}`,
    {
      hint: 'See that this machine reaches the package server that its apt is set to, and that there is room on the disk',
      details: error.ran.said,
      cause: error,
    },
  );
}

async function make({ dir, progress, signal }: EnsureKernelOptions, work: string): Promise<GuestKernel> {
  const arch = await debianArchitecture(signal);
  if (arch !== 'amd64') {
    throw new VtorqueError(
      'E_ARCHITECTURE',
      `Cannot prepare a guest kernel: architecture "${arch}" is not available in this version`,
      {
        hint: 'Use a machine of architecture amd64',
      },
    );
  }
  const found = await runStage(progress, 'kernel: look up', (note) => findKernelPackage(arch, { signal, note }));
  const there = (await listKernels(dir)).find(
    (kernel) => kernel.package === found.name && kernel.version === found.version,
  );
  if (there !== undefined) return there;
  const megabytes = Math.round(found.size / 1e6);
  const deb = await runStage(progress, `kernel: download ${found.name} (${megabytes} MB)`, (note) =>
    downloadPackage(found, join(work, 'download'), { signal, note }),
  );
  const tree = join(work, 'tree');
  await runStage(progress, 'kernel: unpack', () =>
    run(['dpkg-deb', '--extract', deb, tree], { withinMs: UNPACK_MS, signal }),
  );
  return runStage(progress, 'kernel: extract and index', async () => {
    const release = await releaseIn(tree);
    const target = join(dir, release);
    await publishDirectory(target, (fresh) => fill(fresh, { tree, deb, release, arch, found, signal }));
    const kernel = await kernelAt(target);
    if (kernel === undefined) throw new Error(`kernel "${release}" vanished right after it was made`);
    return kernel;
  });
}

interface Sources {
  readonly tree: string;
  readonly deb: string;
  readonly release: string;
  readonly arch: string;
  readonly found: PackageVersion;
  readonly signal: AbortSignal | undefined;
}

async function fill(fresh: string, { tree, deb, release, arch, found, signal }: Sources): Promise<void> {
  const [index, vmlinux] = await Promise.all([
    indexModules(tree, release, signal),
    readFile(join(tree, 'boot', `vmlinuz-${release}`)).then((image) => extractVmlinux(image, signal)),
  ]);
  await writeFile(join(fresh, VMLINUX), vmlinux);
  await mkdir(join(fresh, MODULES));
  const groups: Partial<Record<ModuleGroup, string[]>> = {};
  for (const [group, wanted] of Object.entries(GROUPS) as [ModuleGroup, readonly string[]][]) {
    groups[group] = [];
    for (const path of loadOrder(index, wanted)) {
      const file = objectFile(path);
      await writeFile(join(fresh, MODULES, file), await readModule(join(tree, 'lib/modules', release, path), signal));
      groups[group].push(file);
    }
  }
  await rename(deb, join(fresh, PACKAGE));
  const record: KernelRecord = {
    format: KERNEL_FORMAT,
    release,
    package: found.name,
    version: found.version,
    arch,
    created: new Date().toISOString(),
    groups: groups as Record<ModuleGroup, string[]>,
  };
  await writeFile(join(fresh, RECORD), `${JSON.stringify(record, null, 2)}\n`);
}
