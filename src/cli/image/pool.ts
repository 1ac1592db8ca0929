import { basename } from 'node:path';
import { parseSize } from '../../base/index.ts';
import {
  addImage,
  type CatalogueEntry,
  deleteImage,
  describeImage,
  findImage,
  findKernel,
  type GuestKernel,
  imagePools,
  type PoolOptions,
  verifyImage,
} from '../../image/index.ts';
import { verifyTemplates } from '../../vm/index.ts';
import { withInterrupt } from '../interrupt.ts';
import { showStages } from '../stage-progress.ts';
import { guestFacts } from './facts.ts';
import { situation } from './situation.ts';
import { templatesOf } from './templates.ts';

export interface OutputFlags {
  readonly json?: true;
}

/** Add the disk in a file to the pool, under the file's name unless another is given. */
export async function add(
  file: string,
  name: string | undefined,
  { json, description = '', minRam }: OutputFlags & { readonly description?: string; readonly minRam?: string },
): Promise<void> {
  const image = name ?? nameOfFile(file);
  const least = minRam === undefined ? undefined : parseSize(minRam);
  const entry = await working(`add image "${image}"`, (options) =>
    addImage({ ...options, file, name: image, description, minRam: least }),
  );
  report(entry, json, `${image}: added, ${entry.manifest.disk.size} bytes, SHA-256 ${entry.manifest.disk.sha256}`);
}

/** Read an image's whole disk again, and its templates; of the node's own system there are only these. */
export async function verify(name: string, { json }: OutputFlags): Promise<void> {
  const { uid, places } = situation();
  const { entry, templates } = await working(`verify image "${name}"`, async (options) => {
    const entry =
      name === 'host' ? await findImage(name, imagePools(places)) : await verifyImage(name, { ...options, uid });
    const templates = await templatesOf(entry);
    await verifyTemplates(templates);
    return { entry, templates: templates.length };
  });
  const own =
    entry.kind === 'host' ? '' : `its disk is the one of its manifest, SHA-256 ${entry.manifest.disk.sha256}; `;
  const text = `${name}: ${own}templates: ${templates === 0 ? 'none' : `${templates}, as they were made`}`;
  report(entry, json, text, await findKernel(places, uid));
}

/** Give an image another description. */
export async function describe(name: string, description: string, { json }: OutputFlags): Promise<void> {
  const entry = await working(`change image "${name}"`, (options) => describeImage(name, description, options));
  report(entry, json, `${name}: ${description}`);
}

/** Remove an image that no running job uses. */
export async function remove(name: string, { json, force }: OutputFlags & { readonly force?: true }): Promise<void> {
  await working(`delete image "${name}"`, (options) => deleteImage(name, { ...options, force: force ?? false }));
  process.stdout.write(json ? `${JSON.stringify({ name, deleted: true }, null, 2)}\n` : `${name}: deleted\n`);
}

async function working<T>(action: string, work: (options: PoolOptions) => Promise<T>): Promise<T> {
  return withInterrupt(action, async (signal) => {
    using stages = showStages(process.stderr);
    const { places, own } = situation();
    return work({ places, own, signal, progress: stages.progress });
  });
}

function report(entry: CatalogueEntry, json: true | undefined, text: string, hostKernel?: GuestKernel): void {
  process.stdout.write(json ? `${JSON.stringify(guestFacts(entry, hostKernel), null, 2)}\n` : `${text}\n`);
}

/** `/data/rocky-9.qcow2` is "rocky-9". */
function nameOfFile(file: string): string {
  return basename(file).replace(/\.(raw|img|qcow2?|vmdk|vdi|vhdx)$/i, '');
}
