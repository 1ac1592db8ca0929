import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, VtorqueError } from '../base/index.ts';
import { isImageName } from './names.ts';
import type { ImageManifest } from './types.ts';

export const MANIFEST = 'manifest.json';

/**
 * Read and check the manifest of the image in directory `dir`.
 * @throws VtorqueError `E_IMAGE_MANIFEST`, with the field that is wrong
 */
export async function readManifest(dir: string): Promise<ImageManifest> {
  const path = join(dir, MANIFEST);
  try {
    return parseManifest(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new VtorqueError('E_IMAGE_MANIFEST', `Cannot read the manifest "${path}": ${messageOf(cause)}`, {
      hint: 'Build or add the image again',
      phase: 'check',
      cause,
    });
  }
}

type Check = (value: unknown) => boolean;
type Shape = { readonly [field: string]: Check | Shape };

const text: Check = (value) => typeof value === 'string';
const word: Check = (value) => typeof value === 'string' && value !== '';
const size: Check = (value) => Number.isSafeInteger(value) && Number(value) > 0;
const oneOf =
  (...allowed: readonly unknown[]): Check =>
  (value) =>
    allowed.includes(value);
const matching =
  (pattern: RegExp): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
// A name inside the image's directory, never a way out of it.
const fileName: Check = (value) => typeof value === 'string' && isImageName(value);

const common: Shape = {
  format: oneOf(1),
  name: fileName,
  description: text,
  distro: word,
  release: word,
  arch: word,
  created: (value) => typeof value === 'string' && !Number.isNaN(Date.parse(value)),
  disk: {
    file: fileName,
    format: oneOf('qcow2', 'raw'),
    sha256: matching(/^[0-9a-f]{64}$/),
    size,
    virtualSize: size,
  },
  boot: oneOf('direct', 'disk'),
  minRam: (value) => value === undefined || size(value),
};

const shapes: Readonly<Record<ImageManifest['boot'], Shape>> = {
  direct: {
    ...common,
    kernel: { release: fileName, dir: fileName },
    root: { device: matching(/^\/dev\/[a-z0-9/]+$/), type: oneOf('ext4') },
    init: oneOf('agent'),
  },
  disk: {
    ...common,
    init: oneOf('system'),
    origin: { file: text, format: word, sha256: matching(/^[0-9a-f]{64}$/) },
  },
};

/**
 * Check the text of a manifest.
 * @throws Error that names the first field that is missing or wrong
 */
export function parseManifest(json: string): ImageManifest {
  const value: unknown = JSON.parse(json);
  conform(value, common, '');
  conform(value, shapes[(value as ImageManifest).boot], '');
  return value as ImageManifest;
}

function conform(value: unknown, wanted: Shape, where: string): void {
  if (typeof value !== 'object' || value === null) throw new Error(`${where || 'it'} is no object`);
  for (const [field, check] of Object.entries(wanted)) {
    const path = where === '' ? field : `${where}.${field}`;
    const found = Object.hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined;
    if (typeof check !== 'function') conform(found, check, path);
    else if (!check(found))
      throw new Error(`field "${path}" is ${found === undefined ? 'missing' : JSON.stringify(found)}`);
  }
}
