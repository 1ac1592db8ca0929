import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../../base/index.ts';
import { parseToml } from '../../site/config/toml.ts';
import { debian12 } from './debian-12.ts';
import { parseRecipe, readRecipe } from './file.ts';

const examples = join(import.meta.dirname, '../../../examples/images');

async function parse(text: string) {
  return parseRecipe(await parseToml(text, 'my.toml'), async (source) => Buffer.from(`content of ${source}`));
}

test('readRecipe() reads every example', async () => {
  const names = await readdir(examples);
  assert.deepEqual(names.sort(), ['mpi.toml', 'python.toml']);
  for (const name of names) assert.equal(`${(await readRecipe(join(examples, name))).name}.toml`, name);
});

test('parseRecipe() adds to the base image', async () => {
  const recipe = await parse(
    'name = "mine"\npackages = ["gcc", "python3"]\ncommands = ["true"]\ndisk = "16G"\nmin_ram = "1G"\n',
  );
  assert.deepEqual(recipe.packages, [...debian12.packages, 'gcc']);
  assert.deepEqual([recipe.suite, recipe.diskSize], ['bookworm', 16 * 1024 ** 3]);
  assert.equal(recipe.minRam, 1024 ** 3);
  assert.deepEqual(recipe.additions, { files: [], commands: ['true'] });
  assert.deepEqual(recipe.remove, debian12.remove);
});

test('parseRecipe() takes another release of Debian', async () => {
  const { release, suite, description } = await parse('name = "mine"\nrelease = "13"\n');
  assert.deepEqual([release, suite, description], ['13', 'trixie', 'Debian 13']);
});

test('parseRecipe() takes files with their text, or from beside the recipe', async () => {
  const recipe = await parse(
    'name = "mine"\n[[files]]\npath = "/etc/x"\ncontent = "text"\n[[files]]\npath = "/opt/y"\nsource = "y.sh"\nmode = "0755"\n',
  );
  assert.deepEqual(recipe.additions?.files, [
    { path: '/etc/x', content: Buffer.from('text'), mode: 0o644 },
    { path: '/opt/y', content: Buffer.from('content of y.sh'), mode: 0o755 },
  ]);
});

for (const [text, message] of [
  ['name = "x"\n\npackges = ["gcc"]', /line 3: there is no key "packges"/],
  ['packages = ["gcc"]', /the key "name" is missing/],
  ['name = "../x"', /line 1: "name" is not the name of an image/],
  ['name = "host"', /"host" is the name of a guest of vTorque/],
  ['name = "debian-12"', /is the name of a guest of vTorque/],
  ['name = "x"\nrelease = "7"', /line 2: "release" is not one of "12"/],
  ['name = "x"\ndistro = "minix"', /line 2: "distro"/],
  ['name = "x"\npackages = ["gcc=1.0"]', /line 2: "packages"/],
  ['name = "x"\npackages = ["--option"]', /line 2: "packages"/],
  ['name = "x"\npackages = ["?narrow(?archive)"]', /line 2: "packages"/],
  ['name = "x"\ncommands = "true"', /line 2: "commands" is not a list/],
  ['name = "x"\ndisk = "8"', /line 2: disk = "8" is no size/],
  ['name = "x"\nmin_ram = "much"', /line 2: min_ram = "much" is no size/],
  ['name = "x"\ndisk = "1M"', /line 2: disk = "1M"/],
  ['name = "x"\n[[files]]\npath = "etc/x"\ncontent = ""', /"path" is not an absolute path/],
  ['name = "x"\n[[files]]\npath = "/etc/../x"\ncontent = ""', /"path" is not an absolute path/],
  ['name = "x"\n[[files]]\npath = "/etc/x"', /needs either "content" or "source"/],
  ['name = "x"\n[[files]]\npath = "/etc/x"\ncontent = ""\nmode = "4755"', /"mode" is not an octal mode/],
  [
    'name = "x"\n[[files]]\npath = "/x"\ncontent = ""\n[[files]]\npath = "/x/y"\ncontent = ""',
    /"\/x" is written twice/,
  ],
] as const) {
  test(`parseRecipe() refuses ${JSON.stringify(text)}`, async () => {
    await assert.rejects(parse(text), { code: 'E_RECIPE', exitCode: 2, message });
  });
}

test('parseRecipe() refuses any other TOML with an error for people', async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 1 })), async (table) => {
      const file = { file: 'my.toml', table, lineOf: () => undefined };
      await parseRecipe(file, async () => Buffer.alloc(0)).catch((error: unknown) => {
        assert.ok(error instanceof VtorqueError, String(error));
      });
    }),
  );
});
