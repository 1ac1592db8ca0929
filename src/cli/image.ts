import { join } from 'node:path';
import { Command } from 'commander';
import { nearest, VtorqueError } from '../base/index.ts';
import {
  buildImage,
  type Catalogue,
  type CatalogueEntry,
  type DiskEntry,
  findKernel,
  type GuestKernel,
  imagePools,
  listImages,
  type PrepareOptions,
  prepareHost,
  recipes,
} from '../image/index.ts';
import { agentProgram, ownPlaces, placesToRead } from '../site/index.ts';
import { withInterrupt } from './interrupt.ts';
import { showStages } from './stage-progress.ts';
import { table } from './table.ts';

/** `vtorque image build|list`. */
export function imageCommand(): Command {
  const image = new Command('image').description('build and list the systems that guests can boot');
  image
    .command('build')
    .description(`make a guest ready: ${buildable().join(', ')}`)
    .argument('<name>', 'what img= names')
    .option('--force', 'make it again although it is there, with what the package servers have now')
    .option('--json', 'print the result as JSON')
    .action((name: string, options: BuildFlags) => build(name, options));
  image
    .command('list')
    .description('show what img= may name here')
    .option('--json', 'print the list as JSON')
    .action((options: { json?: true }) => list(options));
  return image;
}

interface BuildFlags {
  readonly force?: true;
  readonly json?: true;
}

function buildable(): string[] {
  return ['host', ...recipes.map((recipe) => recipe.name)];
}

async function build(name: string, { force, json }: BuildFlags): Promise<void> {
  const recipe = recipes.find((known) => known.name === name);
  if (name !== 'host' && recipe === undefined) throw unknownRecipe(name);
  const from = performance.now();
  const result = await withInterrupt(`build image "${name}"`, async (signal) => {
    using stages = showStages(process.stderr);
    const options = { ...situation(), progress: stages.progress, signal, force: force ?? false };
    return recipe === undefined
      ? prepareHostGuest(options)
      : prepareImage({ ...options, recipe, scratch: process.env.TMPDIR });
  });
  const seconds = Math.round((performance.now() - from) / 100) / 10;
  if (json) process.stdout.write(`${JSON.stringify({ ...result, seconds }, null, 2)}\n`);
  else if (!result.built) process.stdout.write(`${name}: already there, kernel ${result.kernel}\n`);
  else process.stdout.write(`${name}: ready, kernel ${result.kernel} (${seconds} s)\n`);
}

async function prepareHostGuest(options: PrepareOptions) {
  const { kernel, initrd } = await prepareHost(options);
  return { name: 'host', built: true, kernel: kernel.release, initrd };
}

async function prepareImage(options: Parameters<typeof buildImage>[0]) {
  const { image, initrd, built } = await buildImage(options);
  const { name, dir, manifest } = image;
  const { size, sha256, file } = manifest.disk;
  return { name, built, dir, disk: join(dir, file), size, sha256, kernel: manifest.kernel.release, initrd };
}

function unknownRecipe(name: string): VtorqueError {
  const meant = nearest(name, buildable());
  return new VtorqueError('E_RECIPE_UNKNOWN', `Cannot build image "${name}": there is no recipe of that name`, {
    hint: `${meant === undefined ? '' : `Did you mean "${meant}"? `}Recipes: ${buildable().join(', ')}`,
    exitCode: 2,
  });
}

async function list({ json }: { json?: true }): Promise<void> {
  const { places, uid } = situation();
  const catalogue = await listImages(imagePools(places));
  const hostKernel = await findKernel(places, uid);
  if (json) process.stdout.write(`${JSON.stringify(listData(catalogue, hostKernel), null, 2)}\n`);
  else {
    const rows = catalogue.entries.map((entry) => row(entry, hostKernel));
    process.stdout.write(table([['NAME', 'SYSTEM', 'KERNEL', 'SIZE', 'DESCRIPTION'], ...rows], process.stdout.columns));
    for (const { dir, reason } of catalogue.problems) process.stderr.write(`warning: ${dir} is no image: ${reason}\n`);
  }
}

function row(entry: CatalogueEntry, hostKernel: GuestKernel | undefined): string[] {
  if (entry.kind === 'host')
    return ['host', "the node's own", hostKernel?.release ?? 'none yet', '-', entry.description];
  const { distro, release, disk } = entry.manifest;
  return [
    entry.name,
    `${distro} ${release}`,
    kernelOf(entry) ?? 'its own',
    `${Math.round(disk.size / 1e6)} MB`,
    entry.description,
  ];
}

/** The kernel's release; null when the image boots by itself, with whatever kernel it has. */
function kernelOf({ manifest }: DiskEntry): string | null {
  return manifest.boot === 'direct' ? manifest.kernel.release : null;
}

function listData({ entries, problems }: Catalogue, hostKernel: GuestKernel | undefined) {
  const images = entries.map((entry) => {
    const { kind, name, description } = entry;
    if (entry.kind === 'host') return { name, kind, description, kernel: hostKernel?.release ?? null };
    const { distro, release, arch, created, disk } = entry.manifest;
    const { size, virtualSize, sha256 } = disk;
    return {
      name,
      kind,
      description,
      dir: entry.dir,
      distro,
      release,
      arch,
      created,
      kernel: kernelOf(entry),
      size,
      virtualSize,
      sha256,
    };
  });
  return { images, problems };
}

/** Who runs this command, and where it reads and writes. */
function situation(): Pick<PrepareOptions, 'places' | 'own' | 'uid' | 'agent'> {
  const uid = process.getuid?.() ?? 0;
  return {
    uid,
    places: placesToRead(process.env, uid),
    own: ownPlaces(process.env, uid),
    agent: agentProgram,
  };
}
