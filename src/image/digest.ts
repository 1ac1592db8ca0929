import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Places } from '../site/index.ts';
import { publishFile } from './publish.ts';
import { whyNotTrusted } from './trust.ts';

/** SHA-256 of a file, in hexadecimal. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest('hex');
}

/**
 * SHA-256 of a file, computed once for each inode, size and time of change.
 * Looks for the remembered one in all of `places`; a new one is remembered in `own`, when given.
 */
export async function rememberedDigest(
  path: string,
  {
    places,
    own,
    uid,
    signal,
  }: { places: readonly Places[]; own?: Places | undefined; uid: number; signal?: AbortSignal | undefined },
): Promise<string> {
  const file = await identityOf(path);
  for (const place of places) {
    const memory = memoryOf(place, path);
    if ((await whyNotTrusted(memory, uid)) !== undefined) continue;
    const [sha256 = '', known] = (await readFile(memory, 'utf8')).split('\n');
    if (known === file) return sha256;
  }
  const sha256 = await sha256OfFile(path, signal);
  // A file that changed while it was read has no digest worth remembering.
  if (own !== undefined && (await identityOf(path)) === file) await remember(memoryOf(own, path), sha256, file);
  return sha256;
}

async function remember(memory: string, sha256: string, file: string): Promise<void> {
  try {
    await publishFile(memory, (fresh) => writeFile(fresh, `${sha256}\n${file}\n`));
  } catch (error) {
    // A home that is full or read-only costs the next job the time to compute it again, and nothing else.
    if (
      !['E_CANNOT_WRITE', 'EACCES', 'EROFS', 'ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
    )
      throw error;
  }
}

async function identityOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function memoryOf(place: Places, path: string): string {
  return join(place.cache, 'digests', createHash('sha256').update(path).digest('hex').slice(0, 32));
}
