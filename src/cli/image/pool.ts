import { basename } from 'node:path';
import { parseSize } from '../../base/index.ts';
import {
  addImage,
  type DiskEntry,
  deleteImage,
  describeImage,
  type PoolOptions,
  verifyImage,
} from '../../image/index.ts';
import { withInterrupt } from '../interrupt.ts';
import { showStages } from '../stage-progress.ts';
import { imageFacts } from './facts.ts';
import { situation } from './situation.ts';

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

/** Read an image's whole disk again. */
export async function verify(name: string, { json }: OutputFlags): Promise<void> {
  const { uid } = situation();
  const entry = await working(`verify image "${name}"`, (options) => verifyImage(name, { ...options, uid }));
  report(entry, json, `${name}: its disk is the one of its manifest, SHA-256 ${entry.manifest.disk.sha256}`);
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

function report(entry: DiskEntry, json: true | undefined, text: string): void {
  process.stdout.write(json ? `${JSON.stringify(imageFacts(entry), null, 2)}\n` : `${text}\n`);
}

/** `/data/rocky-9.qcow2` is "rocky-9". */
function nameOfFile(file: string): string {
  return basename(file).replace(/\.(raw|img|qcow2?|vmdk|vdi|vhdx)$/i, '');
}
