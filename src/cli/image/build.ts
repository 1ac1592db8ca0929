import { join } from 'node:path';
import { nearest, VtorqueError } from '../../base/index.ts';
import { buildImage, type PrepareOptions, prepareHost, readRecipe, recipes } from '../../image/index.ts';
import { withInterrupt } from '../interrupt.ts';
import { showStages } from '../stage-progress.ts';
import { situation } from './situation.ts';

export interface BuildFlags {
  readonly force?: true;
  readonly json?: true;
}

/** What can be built without a file of one's own. */
export function buildable(): string[] {
  return ['host', ...recipes.map((recipe) => recipe.name)];
}

/** Make a guest ready: one that is known by name, or that of a recipe in a file. */
export async function build(what: string, { force, json }: BuildFlags): Promise<void> {
  const recipe = what.endsWith('.toml') ? await readRecipe(what) : recipes.find((known) => known.name === what);
  if (what !== 'host' && recipe === undefined) throw unknownRecipe(what);
  const name = recipe?.name ?? what;
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
    hint: `${meant === undefined ? '' : `Did you mean "${meant}"? `}Recipes: ${buildable().join(', ')}; or a file, NAME.toml`,
    exitCode: 2,
  });
}
