import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Places } from '../../site/index.ts';
import { publishFile } from '../publish.ts';
import { whyNotTrusted } from '../trust.ts';
import { noCloudSeed, type SeedNetwork } from './no-cloud.ts';

export interface EnsureSeedOptions {
  /** Where to look; the last one is where it is made. */
  readonly places: readonly Places[];
  readonly uid: number;
  /** Path of the guest agent. */
  readonly agent: string;
  readonly network?: SeedNetwork | undefined;
}

/**
 * The seed disk with this agent. It holds nothing of any job, so that it is made once; that takes milliseconds.
 * @returns its path, in a file that root or this user wrote
 * @throws VtorqueError `E_CANNOT_WRITE`
 */
export async function ensureSeed({ places, uid, agent, network }: EnsureSeedOptions): Promise<string> {
  const seed = noCloudSeed({ agent: await readFile(agent), network });
  const name = `nocloud-${createHash('sha256').update(seed).digest('hex').slice(0, 16)}.iso`;
  for (const place of places) {
    const path = join(seedsIn(place), name);
    if ((await whyNotTrusted(path, uid)) === undefined) return path;
  }
  const own = places.at(-1);
  if (own === undefined) throw new Error('no place to make a seed in');
  const path = join(seedsIn(own), name);
  await publishFile(path, (fresh) => writeFile(fresh, seed));
  return path;
}

function seedsIn(place: Places): string {
  return join(place.cache, 'seed');
}
