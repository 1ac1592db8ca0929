import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { nearest, parseSize, VtorqueError } from '../../base/index.ts';
import { parseToml, type TomlFile } from '../../site/config/toml.ts';
import { isImageName } from '../names.ts';
import { debian12 } from './debian-12.ts';
import type { AddedFile, Recipe } from './recipe.ts';

/** Debian's releases that can be the base, and their names in package sources. */
const suites: Readonly<Record<string, string>> = { '12': 'bookworm', '13': 'trixie' };
const releases = Object.keys(suites)
  .map((release) => `"${release}"`)
  .join(', ');
const smallestDisk = 2 * 1024 ** 3;
const largestDisk = 1024 ** 4;

/** What a key takes. */
interface Key {
  readonly is: (value: unknown) => boolean;
  /** The form, in words for a person. */
  readonly form: string;
}

const isText = (value: unknown): value is string => typeof value === 'string' && !value.includes('\0');
const isLine = (value: unknown): boolean => isText(value) && !value.includes('\n');
const listOf =
  (is: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    Array.isArray(value) && value.every(is);
// Only plain names: mmdebstrap would take ?patterns and lists, too.
const isPackage = (value: unknown): boolean => isText(value) && /^[a-z0-9][a-z0-9+.-]+$/.test(value);
const isPath = (value: unknown): boolean =>
  isText(value) && /^(\/[^/\n]+)+$/.test(value) && !value.split('/').some((part) => part === '.' || part === '..');

const keys: Readonly<Record<string, Key>> = {
  name: { is: (value) => isText(value) && isImageName(value), form: 'the name of an image' },
  description: { is: isLine, form: 'a line of text' },
  distro: { is: (value) => value === 'debian', form: '"debian"' },
  release: { is: (value) => isText(value) && Object.hasOwn(suites, value), form: `one of ${releases}` },
  packages: { is: listOf(isPackage), form: 'a list of names of Debian packages, without versions' },
  commands: { is: listOf(isText), form: 'a list of lines for /bin/sh' },
  disk: { is: isText, form: 'a size, for instance "8G"' },
  min_ram: { is: isText, form: 'a size, for instance "1G"' },
  files: { is: listOf((value) => typeof value === 'object' && value !== null), form: '[[files]] tables' },
};

const fileKeys: Readonly<Record<string, Key>> = {
  path: { is: isPath, form: 'an absolute path in the image' },
  content: { is: isText, form: 'a text' },
  source: { is: isLine, form: 'the path of a file here' },
  mode: { is: (value) => isText(value) && /^0?[0-7]{3}$/.test(value), form: 'an octal mode, for instance "0755"' },
};

/**
 * Read a recipe of one's own: a TOML file with `name`, and what it adds to the base image (docs/images.md).
 * @throws VtorqueError `E_RECIPE` with line, key, reason and remedy; `E_CONFIG_SYNTAX` when it is no TOML
 */
export async function readRecipe(path: string): Promise<Recipe> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw problem(path, undefined, `${error.code}`, 'Give the path of a file that exists and may be read');
  });
  return parseRecipe(await parseToml(text, path), (source) => readFile(resolve(dirname(path), source)));
}

/**
 * @param load reads a file that the recipe names
 * @throws VtorqueError `E_RECIPE`
 */
export async function parseRecipe(file: TomlFile, load: (source: string) => Promise<Uint8Array>): Promise<Recipe> {
  check(file, [], file.table, keys);
  const {
    name,
    description,
    release = '12',
    packages = [],
    commands = [],
    disk,
    min_ram,
    files = [],
  } = file.table as RecipeTable;
  if (name === undefined) throw problem(file.file, undefined, 'the key "name" is missing', 'Write name = "NAME"');
  if (name === 'host' || name === debian12.name) {
    throw problem(file.file, file.lineOf(['name']), `"${name}" is the name of a guest of vTorque`, 'Use another name');
  }
  const added = await Promise.all(files.map((entry, index) => addedFile(file, entry, index, load)));
  checkPlaces(file, added);
  return {
    ...debian12,
    name,
    description: description ?? `Debian ${release}`,
    release,
    suite: suites[release] as string,
    packages: [...new Set([...debian12.packages, ...packages])],
    diskSize: disk === undefined ? debian12.diskSize : diskSize(file, disk),
    ...(min_ram !== undefined && { minRam: sizeOf(file, 'min_ram', min_ram, 'Write a size, for instance "1G"') }),
    additions: { files: added, commands },
  };
}

interface RecipeTable {
  readonly name?: string;
  readonly description?: string;
  readonly release?: string;
  readonly packages?: readonly string[];
  readonly commands?: readonly string[];
  readonly disk?: string;
  readonly min_ram?: string;
  readonly files?: readonly FileTable[];
}

interface FileTable {
  readonly path?: string;
  readonly content?: string;
  readonly source?: string;
  readonly mode?: string;
}

async function addedFile(
  file: TomlFile,
  entry: FileTable,
  index: number,
  load: (source: string) => Promise<Uint8Array>,
): Promise<AddedFile> {
  check(file, ['files'], entry, fileKeys);
  const { path, content, source, mode = '0644' } = entry;
  const line = file.lineOf(['files']);
  const which = `file ${index + 1}`;
  if (path === undefined) throw problem(file.file, line, `${which} has no "path"`, 'Write path = "/where/it/goes"');
  if ((content === undefined) === (source === undefined))
    throw problem(file.file, line, `${which}, "${path}", needs either "content" or "source"`, 'Keep one of them');
  const bytes =
    source === undefined
      ? Buffer.from(content ?? '')
      : await load(source).catch((error: NodeJS.ErrnoException) => {
          throw problem(
            file.file,
            line,
            `source "${source}" cannot be read: ${error.code}`,
            'Paths start at the recipe',
          );
        });
  return { path, content: bytes, mode: Number.parseInt(mode, 8) };
}

/** No two files at one place, and none where another one needs a directory. */
function checkPlaces(file: TomlFile, added: readonly AddedFile[]): void {
  const paths = added.map(({ path }) => path).sort();
  const clash = paths.find((path, index) =>
    paths.some((other, i) => i !== index && `${other}/`.startsWith(`${path}/`)),
  );
  if (clash === undefined) return;
  throw problem(
    file.file,
    file.lineOf(['files']),
    `"${clash}" is written twice, or is a directory of another file`,
    'Keep one',
  );
}

function diskSize(file: TomlFile, text: string): number {
  const form = 'Write a size between 2G and 1T, for instance "8G"';
  const bytes = sizeOf(file, 'disk', text, form);
  if (bytes >= smallestDisk && bytes <= largestDisk) return bytes;
  throw problem(file.file, file.lineOf(['disk']), `disk = "${text}" is not between 2G and 1T`, form);
}

function sizeOf(file: TomlFile, key: string, text: string, hint: string): number {
  try {
    return parseSize(text);
  } catch {
    throw problem(file.file, file.lineOf([key]), `${key} = "${text}" is no size`, hint);
  }
}

function check(file: TomlFile, at: readonly string[], table: object, known: Readonly<Record<string, Key>>): void {
  for (const [key, value] of Object.entries(table)) {
    const line = file.lineOf([...at, key]);
    const wanted = Object.hasOwn(known, key) ? known[key] : undefined;
    if (wanted === undefined) {
      const meant = nearest(key, Object.keys(known));
      const hint = meant === undefined ? `Keys: ${Object.keys(known).join(', ')}` : `Did you mean "${meant}"?`;
      throw problem(file.file, line, `there is no key "${key}"`, hint);
    }
    if (!wanted.is(value)) throw problem(file.file, line, `"${key}" is not ${wanted.form}`, `It takes ${wanted.form}`);
  }
}

function problem(file: string, line: number | undefined, reason: string, hint: string): VtorqueError {
  const where = line === undefined ? '' : `line ${line}: `;
  return new VtorqueError('E_RECIPE', `Cannot use the recipe "${file}": ${where}${reason}`, {
    hint,
    phase: 'check',
    exitCode: 2,
  });
}
