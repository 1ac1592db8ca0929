import { chmod, type FileHandle, mkdir, open, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sha256, VtorqueError } from '../../base/index.ts';
import { digestOfData } from './data-digest.ts';
import { newDraft } from './drafts.ts';
import { readManifest, type TemplateManifest, templateFiles } from './manifest.ts';

/** A template, ready to be cloned. Disposing of it closes its files. */
export interface OpenTemplate extends AsyncDisposable {
  readonly dir: string;
  readonly manifest: TemplateManifest;
  /** Path of the file that has the guest's memory. */
  readonly ram: string;
  /** Path of the overlay of its disk, if its guest boots itself. */
  readonly disk: string;
  /** The state of its devices, from the beginning. */
  readonly state: FileHandle;
  /** Whether this user may write to it, as QEMU wants for memory in a file. */
  readonly ours: boolean;
}

/** Bytes of memory of which all may be read for each clone. */
const largestWithoutHoles = 1024 ** 3;

export type TrustCheck = (path: string, uid: number) => Promise<string | undefined>;

/**
 * Open a template. Its state is compared with its digest; of its memory, which nobody else can have changed, only the size and the time of the last change are looked at.
 * @returns undefined when there is none
 * @throws Error that says why the one that is there cannot be used
 */
export async function openTemplate(
  dir: string,
  uid: number,
  whyNotTrusted: TrustCheck,
): Promise<OpenTemplate | undefined> {
  const manifest = await readManifest(dir);
  if (manifest === undefined) return undefined;
  const files = templateFiles(dir);
  const { disk } = manifest.parts;
  for (const path of partsOf(dir, disk !== undefined)) {
    const reason = await whyNotTrusted(path, uid);
    if (reason !== undefined) throw new Error(`template not trusted: ${reason}`);
  }
  const ram = await stat(files.ram);
  if (ram.size !== manifest.ram || ram.ctimeMs !== manifest.parts.ram.ctimeMs)
    throw new Error('template damaged: its memory has changed');
  if (disk !== undefined) {
    const { size, ctimeMs } = await stat(files.disk);
    if (size !== disk.size || ctimeMs !== disk.ctimeMs) throw new Error('template damaged: its disk has changed');
  }
  const state = await open(files.state, 'r');
  try {
    if ((await digestOf(state)) !== manifest.parts.state.sha256)
      throw new Error('template damaged: its state has changed');
    const ours = ram.uid === uid;
    // So that the least recently used one is known.
    if (ours) await utimes(files.manifest, new Date(), new Date()).catch(() => {});
    return { dir, manifest, ram: files.ram, disk: files.disk, state, ours, [Symbol.asyncDispose]: () => state.close() };
  } catch (error) {
    await state.close();
    throw error;
  }
}

/** At positions of its own, since QEMU reads on from where the descriptor is. */
async function digestOf(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
  return sha256(buffer.subarray(0, bytesRead));
}

/** The files that a template consists of. */
function partsOf(dir: string, withDisk: boolean): string[] {
  const { disk, ...always } = templateFiles(dir);
  return [...Object.values(always), ...(withDisk ? [disk] : [])];
}

/** What a maker leaves in a draft besides the files of the memory and of the disk. */
export interface NewTemplate extends Omit<TemplateManifest, 'parts' | 'format' | 'created' | 'key'> {
  readonly state: Uint8Array;
  /** Whether there is a disk. */
  readonly withDisk: boolean;
}

export interface PublishOptions {
  readonly key: string;
  /** Whether other users may use it. */
  readonly open: boolean;
  /** Writes memory and disk into the draft, as `templateFiles` names them. */
  readonly fill: (draft: string) => Promise<NewTemplate>;
}

/** Put a template into its place, complete and on the disk, or not at all. Only for who holds the key's lock. */
export async function publishTemplate(dir: string, { key, open, fill }: PublishOptions): Promise<void> {
  const store = dirname(dir);
  const draft = newDraft(store, key);
  const files = templateFiles(draft);
  // Closed to all others as long as it is not complete: what they put in there would become everybody's template.
  await mkdir(draft, { mode: 0o700 });
  try {
    const { state, withDisk, ...facts } = await fill(draft);
    // QEMU opens the memory for writing, although a clone never writes there: our own is not read-only.
    await chmod(files.ram, open ? 0o644 : 0o600);
    await writeFile(files.state, state, { mode: open ? 0o444 : 0o400 });
    const [{ ctimeMs }, data] = [await stat(files.ram), await digestOfData(files.ram)];
    if (data.data >= facts.ram && facts.ram > largestWithoutHoles) {
      const why = `the file system of "${store}" keeps no holes, and each clone would read all of its memory`;
      throw new VtorqueError('E_TEMPLATE_PLACE', `Cannot keep templates: ${why}`, {
        hint: 'Have them on a file system that keeps holes, such as ext4 or xfs: XDG_CACHE_HOME says where',
      });
    }
    const parts = {
      ram: { ...data, ctimeMs },
      state: { sha256: sha256(state), size: state.length },
      ...(withDisk ? { disk: await factsOfDisk(files.disk, open) } : {}),
    };
    const manifest: TemplateManifest = { format: 1, key, ...facts, created: new Date().toISOString(), parts };
    await writeFile(files.manifest, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o644 });
    await chmod(draft, open ? 0o755 : 0o700);
    for (const path of [...partsOf(draft, withDisk), draft]) await toDisk(path);
    await rm(dir, { recursive: true, force: true });
    await rename(draft, dir);
    await toDisk(store);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function factsOfDisk(path: string, open: boolean): Promise<NonNullable<TemplateManifest['parts']['disk']>> {
  await chmod(path, open ? 0o444 : 0o400);
  const { size, ctimeMs } = await stat(path);
  return { ...(await digestOfData(path)), size, ctimeMs };
}

async function toDisk(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
