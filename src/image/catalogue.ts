import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, nearest, VtorqueError } from '../base/index.ts';
import type { Places } from '../site/index.ts';
import { readManifest } from './manifest.ts';
import { isImageName } from './names.ts';
import type { Catalogue, CatalogueEntry, CatalogueProblem, DiskEntry, HostEntry } from './types.ts';

const host: HostEntry = {
  kind: 'host',
  name: 'host',
  description: "The node's own system, read-only, with changes kept in the guest's memory",
};

/** The directories that hold images, in the order in which they are looked through. */
export function imagePools(places: readonly Places[]): string[] {
  return places.map((place) => join(place.data, 'images'));
}

/** All guests that `img=` may name. What looks like an image and is none is reported, and does no harm to the others. */
export async function listImages(pools: readonly string[]): Promise<Catalogue> {
  const found = new Map<string, DiskEntry>();
  const problems: CatalogueProblem[] = [];
  for (const pool of pools) {
    for (const name of await namesIn(pool)) {
      const dir = join(pool, name);
      const entry = await readEntry(pool, name).catch((error: unknown) => {
        problems.push({ dir, reason: messageOf(error) });
        return undefined;
      });
      if (entry !== undefined && !found.has(name)) found.set(name, entry);
    }
  }
  const disks = [...found.values()].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  return { entries: [host, ...disks], problems };
}

/**
 * The guest called `name`.
 * @throws VtorqueError `E_IMAGE_UNKNOWN` with those there are, `E_IMAGE_MANIFEST`
 */
export async function findImage(name: string, pools: readonly string[]): Promise<CatalogueEntry> {
  if (name === host.name) return host;
  for (const pool of pools) {
    if ((await namesIn(pool)).includes(name)) return readEntry(pool, name);
  }
  const known = (await listImages(pools)).entries.map((entry) => entry.name);
  const meant = nearest(name, known);
  throw new VtorqueError('E_IMAGE_UNKNOWN', `Cannot use image "${name}": there is no such image`, {
    hint: `${meant === undefined ? '' : `Did you mean "${meant}"? `}Images here: ${known.join(', ')}`,
    phase: 'check',
  });
}

async function readEntry(pool: string, name: string): Promise<DiskEntry> {
  const dir = join(pool, name);
  const manifest = await readManifest(dir);
  if (manifest.name !== name) {
    throw new VtorqueError(
      'E_IMAGE_MANIFEST',
      `Cannot use the image in "${dir}": its manifest names "${manifest.name}"`,
      {
        hint: 'Give the directory the name of the image',
        phase: 'check',
      },
    );
  }
  return { kind: 'disk', name, description: manifest.description, pool, dir, manifest };
}

async function namesIn(pool: string): Promise<string[]> {
  const entries = await readdir(pool, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP'].includes(error.code ?? '')) return [];
    throw error;
  });
  // An image of the name "host" would never be found: that one is the node's own.
  return entries
    .filter((entry) => entry.isDirectory() && isImageName(entry.name) && entry.name !== host.name)
    .map((entry) => entry.name);
}
