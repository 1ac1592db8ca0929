import { readFile } from 'node:fs/promises';
import { messageOf, sha256, VtorqueError } from '../../base/index.ts';
import type { TemplateEntry } from './collect.ts';
import { digestOfData } from './data-digest.ts';
import { type TemplateManifest, templateFiles } from './manifest.ts';

/**
 * Read templates whole, memory and disk, and compare them with their digests. A start looks at the times of these files instead, which tell whatever
 * was written to them, and not what a medium has lost.
 * @throws VtorqueError `E_TEMPLATE_DAMAGED` that names all that are not as they were made
 */
export async function verifyTemplates(entries: readonly TemplateEntry[]): Promise<void> {
  const damaged: string[] = [];
  for (const { dir, manifest } of entries) {
    const part = manifest === undefined ? 'its manifest cannot be read' : await damagedPart(dir, manifest);
    if (part !== undefined) damaged.push(`${dir}: ${part}`);
  }
  if (damaged.length === 0) return;
  throw new VtorqueError('E_TEMPLATE_DAMAGED', `Cannot trust ${damaged.length} of ${entries.length} templates`, {
    hint: 'Remove them, or all of yours with: vtorque image gc --keep 0. The next job makes others',
    details: damaged,
  });
}

async function damagedPart(dir: string, { parts }: TemplateManifest): Promise<string | undefined> {
  const files = templateFiles(dir);
  try {
    if (sha256(await readFile(files.state)) !== parts.state.sha256) return 'its state is another';
    if ((await digestOfData(files.ram)).sha256 !== parts.ram.sha256) return 'its memory is another';
    if (parts.disk === undefined) return undefined;
    return (await digestOfData(files.disk)).sha256 === parts.disk.sha256 ? undefined : 'its disk is another';
  } catch (error) {
    return messageOf(error);
  }
}
