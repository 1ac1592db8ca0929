import { truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Recipe } from '../recipes/index.ts';
import { run } from '../run.ts';
import { writeAdditions } from './additions.ts';
import type { Privileges } from './privileges.ts';
import { acquireSettings } from './sources.ts';

export interface StageContext {
  readonly recipe: Recipe;
  readonly privileges: Privileges;
  /** The build's own directory. */
  readonly work: string;
  readonly signal?: AbortSignal | undefined;
}

const PACKAGES_MS = 900_000;
/** Commands may compile a program. */
const COMMANDS_MS = 3_600_000;
const FILE_SYSTEM_MS = 300_000;
const CONVERT_MS = 300_000;
// Of what mmdebstrap tells, the steps that take time.
const STEP =
  /^I: ((?:running apt|downloading|extracting|installing|cleaning|creating|running the recipe).*?)(?:\.\.\.)?$/;

/** This machine's way to its package servers, in the tree while packages are installed; it stays out of the image. */
export const HOST_SETTINGS = 'etc/apt/apt.conf.d/00build-host';

/**
 * Install the recipe's packages into a new root directory and pack it.
 * @param sources lines of a sources.list
 * @returns the path of the tar archive
 */
export async function installPackages(
  { recipe, privileges, work, signal }: StageContext,
  sources: readonly string[],
  note: (text: string) => void,
): Promise<string> {
  const archive = join(work, 'root.tar');
  const settings = join(work, basename(HOST_SETTINGS));
  await writeFile(settings, await acquireSettings(signal));
  const argv: [string, ...string[]] = [
    'mmdebstrap',
    `--mode=${privileges.mode}`,
    '--variant=minbase',
    '--format=tar',
    // A user namespace may not mount one, and no package of ours needs it while it is installed.
    '--skip=chroot/mount/sys',
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    ...recipe.leaveOut.map(dpkgOption),
    `--setup-hook=copy-in ${settings} /${dirname(HOST_SETTINGS)}`,
    ...(recipe.additions === undefined ? [] : [`--customize-hook=${await writeAdditions(recipe.additions, work)}`]),
    `--include=${recipe.packages.join(',')}`,
    recipe.suite,
    archive,
    ...sources,
  ];
  await run(privileges.enclose(argv), {
    withinMs: recipe.additions === undefined ? PACKAGES_MS : COMMANDS_MS,
    signal,
    // mmdebstrap works in a directory of its own below this one.
    env: { TMPDIR: work },
    onLine: (line) => {
      const [, step] = STEP.exec(line) ?? [];
      if (step !== undefined) note(step);
    },
  });
  return archive;
}

function dpkgOption(pattern: string): string {
  const kept = pattern.startsWith('!');
  return `--dpkgopt=path-${kept ? 'include' : 'exclude'}=${kept ? pattern.slice(1) : pattern}`;
}

/** Make an ext4 file system of a directory. @returns the path of the raw disk, mostly holes */
export async function makeFileSystem(
  { recipe, privileges, work, signal }: StageContext,
  tree: string,
): Promise<string> {
  const raw = join(work, 'disk.raw');
  await writeFile(raw, '');
  await truncate(raw, recipe.diskSize);
  const argv: [string, ...string[]] = [
    'mkfs.ext4',
    '-q',
    '-F',
    '-L',
    'root',
    '-i',
    '32768',
    '-m',
    '0',
    // Otherwise the first guest to mount it would write the inode tables in the background.
    '-E',
    'lazy_itable_init=0,lazy_journal_init=0',
    '-d',
    tree,
    raw,
  ];
  await run(privileges.command(argv, work), { withinMs: FILE_SYSTEM_MS, signal });
  return raw;
}

/** Pack a raw disk into a compressed qcow2 file. */
export async function packDisk(raw: string, target: string, { signal }: StageContext): Promise<void> {
  await run(['qemu-img', 'convert', '-c', '-O', 'qcow2', '-o', 'compression_type=zstd', raw, target], {
    withinMs: CONVERT_MS,
    signal,
  });
}
