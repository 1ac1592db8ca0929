import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Accelerator } from '../spec.ts';

/** `manifest.json` of a template's directory. */
export interface TemplateManifest {
  /** Version of this format. */
  readonly format: 1;
  readonly key: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly vcpus: number;
  /** Bytes that its machines have. */
  readonly ram: number;
  readonly accelerator: Accelerator;
  /** Absolute path, when it was made, of what it has booted: a kernel, or a disk that boots itself. */
  readonly boots: string;
  readonly parts: {
    /** `data`: bytes of the file that are no holes. `ctimeMs`: of the last change, which nobody can set back as he can the time of the last write. */
    readonly ram: { readonly sha256: string; readonly data: number; readonly ctimeMs: number };
    readonly state: { readonly sha256: string; readonly size: number };
    /** What a guest that boots itself had written to its disk: a qcow2 file over that of the image. */
    readonly disk?: { readonly sha256: string; readonly data: number; readonly size: number; readonly ctimeMs: number };
  };
}

/** The files of a template. */
export function templateFiles(dir: string): {
  readonly manifest: string;
  readonly ram: string;
  readonly state: string;
  readonly disk: string;
} {
  const at = (name: string): string => join(dir, name);
  return { manifest: at('manifest.json'), ram: at('ram'), state: at('state'), disk: at('disk') };
}

/**
 * @returns undefined when there is no template
 * @throws Error when what is there is none of ours
 */
export async function readManifest(dir: string): Promise<TemplateManifest | undefined> {
  let text: string;
  try {
    text = await readFile(templateFiles(dir).manifest, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const manifest = JSON.parse(text) as Partial<TemplateManifest>;
  if (manifest.format !== 1 || manifest.parts?.state?.sha256 === undefined)
    throw new Error('template of another version');
  return manifest as TemplateManifest;
}
