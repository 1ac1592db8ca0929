import { hostname } from 'node:os';
import { join } from 'node:path';
import { parseSize, shortName } from '../../base/index.ts';
import { type CatalogueEntry, type DiskEntry, findKernel } from '../../image/index.ts';
import { templateStores, warmAhead } from '../../node/guest/index.ts';
import { collectTemplates, listTemplates, type TemplateEntry } from '../../vm/index.ts';
import { withInterrupt } from '../interrupt.ts';
import { showStages } from '../stage-progress.ts';
import { megabytes } from './facts.ts';
import type { OutputFlags } from './pool.ts';
import { situation } from './situation.ts';

export interface WarmFlags extends OutputFlags {
  readonly vcpus: number;
  readonly ram: string;
  readonly cpu?: string;
  readonly kernel?: string;
}

/** Make the template with which jobs of this image and shape start here. */
export async function warm(img: string, { vcpus, ram, cpu, kernel, json }: WarmFlags): Promise<void> {
  const { places, uid } = situation();
  const shape = { img, vcpus, ram: parseSize(ram), cpu, kernel };
  const from = performance.now();
  const ready = await withInterrupt(`make a template of "${img}"`, async (signal) => {
    using stages = showStages(process.stderr);
    const node = shortName(hostname());
    return warmAhead({ ...shape, places, uid, env: process.env, node, progress: stages.progress, signal });
  });
  const seconds = Math.round((performance.now() - from) / 100) / 10;
  if (json) process.stdout.write(`${JSON.stringify({ ...ready, seconds }, null, 2)}\n`);
  else
    process.stdout.write(
      `${img}: ${ready.made ? `template made (${seconds} s)` : 'template is there'}, ${ready.dir}\n`,
    );
}

/** Remove templates until the rest takes at most this much. */
export async function collect({ keep, json }: OutputFlags & { readonly keep: string }): Promise<void> {
  const quota = keep === '0' ? 0 : parseSize(keep);
  const [store = ''] = templateStores([situation().own]);
  const removed = await collectTemplates(store, quota);
  const left = await listTemplates([store]);
  if (json) {
    const facts = { removed: removed.map(templateFacts), left: left.map(templateFacts) };
    process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`);
    return;
  }
  const text = (entries: readonly TemplateEntry[]): string =>
    entries.length === 0
      ? 'none'
      : `${entries.length}, ${megabytes(entries.reduce((sum, { bytes }) => sum + bytes, 0))}`;
  process.stdout.write(`templates removed: ${text(removed)}; left: ${text(left)}\n`);
}

/** The templates that were made by booting this guest. */
export async function templatesOf(guest: CatalogueEntry): Promise<TemplateEntry[]> {
  const { places, uid } = situation();
  const boots = guest.kind === 'host' ? (await findKernel(places, uid))?.vmlinux : bootedFile(guest);
  const entries = await listTemplates(templateStores(places));
  return entries.filter(({ manifest }) => manifest !== undefined && manifest.boots === boots);
}

function bootedFile({ dir, manifest }: DiskEntry): string {
  return manifest.boot === 'direct' ? join(dir, manifest.kernel.dir, 'vmlinux') : join(dir, manifest.disk.file);
}

/** A template as the commands' JSON has it. */
export function templateFacts({ dir, manifest, bytes, lastUsed }: TemplateEntry): Record<string, unknown> {
  const { key = null, created = null, vcpus = null, ram = null, accelerator = null } = manifest ?? {};
  return { key, dir, created, vcpus, ram, accelerator, bytes, lastUsed: new Date(lastUsed).toISOString() };
}
