import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sweepAbandoned } from './drafts.ts';
import { sweepFailures } from './failures.ts';
import { readManifest, type TemplateManifest, templateFiles } from './manifest.ts';

/** A template as lists show it. */
export interface TemplateEntry {
  readonly dir: string;
  /** Undefined where what is there cannot be read. */
  readonly manifest: TemplateManifest | undefined;
  /** Bytes that it takes on the disk. */
  readonly bytes: number;
  /** Milliseconds since 1970. Root's templates, which other users may not mark, show when they were made. */
  readonly lastUsed: number;
}

/** The templates of these directories, the least recently used first. */
export async function listTemplates(stores: readonly string[]): Promise<TemplateEntry[]> {
  const dirs = await Promise.all(
    stores.map(async (store) => {
      const names = await readdir(store).catch(() => []);
      return names.filter((name) => !name.startsWith('.')).map((name) => join(store, name));
    }),
  );
  const entries = await Promise.all(dirs.flat().map(entryOf));
  return entries.toSorted((a, b) => a.lastUsed - b.lastUsed);
}

async function entryOf(dir: string): Promise<TemplateEntry> {
  const facts = await Promise.all(Object.values(templateFiles(dir)).map((path) => stat(path).catch(() => undefined)));
  const manifest = await readManifest(dir).catch(() => undefined);
  return {
    ...{ dir, manifest },
    bytes: facts.reduce((sum, file) => sum + (file?.blocks ?? 0) * 512, 0),
    lastUsed: facts[0]?.mtimeMs ?? 0,
  };
}

/**
 * Remove templates until what is left takes at most `quota` bytes: what cannot be read, then the least recently used. Machines that run from
 * one keep what they have of it. What interrupted makers have left, and locks and failures of templates that mean nothing any more, go in any case.
 * @param keep path of one that stays
 * @returns what was removed
 */
export async function collectTemplates(store: string, quota: number, keep?: string): Promise<TemplateEntry[]> {
  const entries = (await listTemplates([store])).filter(({ dir }) => dir !== keep);
  const kept = keep === undefined ? undefined : await entryOf(keep);
  let total = entries.reduce((sum, { bytes }) => sum + bytes, kept?.bytes ?? 0);
  const removed: TemplateEntry[] = [];
  for (const entry of [...entries.filter(isBroken), ...entries.filter((each) => !isBroken(each))]) {
    if (!isBroken(entry) && total <= quota) break;
    await rm(entry.dir, { recursive: true, force: true });
    total -= entry.bytes;
    removed.push(entry);
  }
  await sweepAbandoned(store);
  await sweepFailures(store);
  return removed;
}

function isBroken({ manifest }: TemplateEntry): boolean {
  return manifest === undefined;
}
