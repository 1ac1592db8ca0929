// Bundles each program into one file in lib/, with its code compiled for this Node: what starts quickly, and what is installed.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { build, type Plugin } from 'esbuild';
import { installRoot } from '../src/site/index.ts';

interface Parts {
  readonly code: string;
  readonly cache: string;
  readonly inputs: string;
}

const { bundleParts, isCurrent } = createRequire(import.meta.url)('../libexec/start.cjs') as {
  bundleParts: (name: string) => Parts;
  isCurrent: (parts: Parts) => boolean;
};

const COMPILE_MS = 60_000;
const programs = join(installRoot, 'src/cli/programs');

/** Make the bundles whose sources have changed since they were made. @returns the names of those that were made */
export async function bundleAll(): Promise<string[]> {
  const names = (await readdir(programs)).map((file) => basename(file, '.ts'));
  const stale: string[] = [];
  for (const name of names) if (!(await isWhole(bundleParts(name)))) stale.push(name);
  await mkdir(dirname(bundleParts('any').code), { recursive: true });
  for (const name of stale) await bundle(name);
  return stale;
}

/** With all its parts there. */
async function isWhole(parts: Parts): Promise<boolean> {
  const missing = Object.values(parts).map((path) =>
    stat(path).then(
      () => false,
      () => true,
    ),
  );
  return !(await Promise.all(missing)).includes(true) && isCurrent(parts);
}

async function bundle(name: string): Promise<void> {
  const parts = bundleParts(name);
  const started = Date.now();
  const { metafile, outputFiles } = await build({
    entryPoints: [join(programs, `${name}.ts`)],
    absWorkingDir: installRoot,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    banner: { js: banner },
    plugins: [ownPlace],
    metafile: true,
    write: false,
    outfile: parts.code,
    logLevel: 'warning',
  });
  // Without its list a bundle is not used, so that its parts can be replaced one after the other.
  await Promise.all([parts.inputs, parts.cache].map((path) => rm(path, { force: true })));
  await replace(parts.code, withLazyModules(outputFiles[0]?.text ?? ''));
  await compile(name, parts);
  const inputs = await stamps([...Object.keys(metafile.inputs), 'libexec/start.cjs']);
  const changed = inputs.find(([, , changedMs]) => changedMs >= started);
  if (changed !== undefined) throw new Error(`Cannot bundle "${name}": "${changed[0]}" has just been changed`);
  await replace(parts.inputs, JSON.stringify(inputs));
}

const banner = [
  "const __root = __dirname.slice(0, __dirname.lastIndexOf('/'));",
  'const __lazy = (name) => new Proxy({}, {',
  "  get: (_, key) => (key === 'default' ? require(name) : require(name)[key]),",
  '});',
].join('\n');

/** Those that Node itself has loaded by then. */
const eager = new Set(['"node:fs"', '"node:path"', '"node:os"', '"node:process"']);

/** Node's own modules are loaded at their first use: some take longer than all that a short command does. */
function withLazyModules(text: string): string {
  return text.replaceAll(
    / = (?:require\(("node:[^"]+")\)|__toESM\(require\(("node:[^"]+")\)[^)]*\));$/gm,
    (all, plain, wrapped) => (eager.has(plain ?? wrapped) ? all : ` = __lazy(${plain ?? wrapped});`),
  );
}

/** A file of the source asks where it is. */
const ownPlace: Plugin = {
  name: 'own-place',
  setup({ onLoad }) {
    onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const place = (file: string): string => `(__root + ${JSON.stringify(`/${relative(installRoot, file)}`)})`;
      return {
        contents: text
          .replaceAll('import.meta.dirname', place(dirname(path)))
          .replaceAll('import.meta.url', `require('node:url').pathToFileURL(${place(path)}).href`),
        loader: 'ts',
      };
    });
  },
};

/** What short commands are mostly started for; of programs that are not here, all functions are compiled. */
const usual: Readonly<Record<string, readonly (readonly string[])[]>> = {
  vsub: [['--help'], ['-vm', 'img=host,vcpus=1,ram=512M', 'job.sh']],
  vtorque: [['--help']],
  vmgr: [['--help']],
};

/** Compile a bundle in a process of its own, beside a batch system that takes every job and does nothing. */
async function compile(name: string, parts: Parts): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'vtorque-bundle-'));
  try {
    await writeFile(join(work, 'qsub'), '#!/bin/sh\necho 1.none\n', { mode: 0o755 });
    await writeFile(join(work, 'job.sh'), '#!/bin/sh\n');
    const runs = (usual[name] ?? []).map((words) => JSON.stringify(words));
    const program = join(installRoot, 'scripts/compile-bundle.cjs');
    await promisify(execFile)(process.execPath, [program, name, ...runs], {
      ...{ cwd: work, env: { PATH: work, HOME: work }, timeout: COMPILE_MS },
    });
    await rename(`${parts.cache}.tmp`, parts.cache);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function stamps(paths: readonly string[]): Promise<[string, number, number][]> {
  return Promise.all(
    paths.map(async (path): Promise<[string, number, number]> => {
      const { size, mtimeMs } = await stat(join(installRoot, path));
      return [path, size, mtimeMs];
    }),
  );
}

async function replace(path: string, content: string): Promise<void> {
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, content);
  await rename(draft, path);
}
