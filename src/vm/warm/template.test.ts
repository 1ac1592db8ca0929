import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { aSpec } from '../test-spec.ts';
import type { OpenTemplate } from './store.ts';
import { giveUpTemplate, type TemplateOptions, templateFor } from './template.ts';

const spec = aSpec();

async function aStore(changes: Partial<TemplateOptions> = {}) {
  const store = await mkdtemp(join(tmpdir(), 'vtt-store-'));
  const options: TemplateOptions = {
    ...{ stores: [store], own: store, uid: process.getuid?.() ?? 0, readyWithinMs: 1000, quota: 0 },
    whyNotTrusted: async () => undefined,
    env: { PATH: process.env.PATH ?? '' },
    digestOf: async (path) => path,
    preparation: 'none',
    prepare: async () => {},
    onMaking: () => assert.fail('made a template'),
    ...changes,
  };
  return { store, options, [Symbol.asyncDispose]: () => rm(store, { recursive: true, force: true }) };
}

test('templateFor() makes nothing where others may write, and says so once more without looking again', async () => {
  const givenUp: string[] = [];
  await using site = await aStore({
    whyNotTrusted: async (path) => `"${path}" may be written by others`,
    onGivenUp: ({ label }) => void givenUp.push(label),
  });
  const first = await templateFor(spec, site.options);
  assert.match(
    first.template === undefined ? first.reason : '',
    /^Cannot keep templates: .* may be written by others$/,
  );
  const second = await templateFor(spec, { ...site.options, whyNotTrusted: async () => undefined });
  assert.match(second.template === undefined ? second.reason : '', /\(tried before\)$/);
  assert.equal(second.template === undefined && second.label, 'failed-before');
  assert.deepEqual(givenUp, ['E_TEMPLATE_PLACE']);
  assert.deepEqual(
    (await readdir(site.store)).filter((name) => !name.startsWith('.failed-')),
    [],
  );
});

test('templateFor() tries again what has failed, where that is wanted', async () => {
  await using site = await aStore({ whyNotTrusted: async () => 'others may write there' });
  for (const again of [false, true]) {
    const choice = await templateFor(spec, { ...site.options, again });
    assert.equal(choice.template === undefined && choice.reason, 'Cannot keep templates: others may write there');
  }
});

test('templateFor() gives a reason instead of an error, whatever fails', async () => {
  await using site = await aStore({ digestOf: () => Promise.reject(new Error('the kernel cannot be read')) });
  assert.deepEqual(await templateFor(spec, site.options), {
    ...{ how: 'fallback', label: 'other', reason: 'the kernel cannot be read' },
  });
  assert.deepEqual(await readdir(site.store), []);
});

test('templateFor() calls what has failed by the code of the error', async () => {
  await using site = await aStore({ digestOf: (path) => readFile(join(path, 'none'), 'utf8') });
  const choice = await templateFor(spec, site.options);
  assert.deepEqual(choice.template === undefined && [choice.how, choice.label], ['fallback', 'ENOENT']);
});

test('templateFor() ends with its signal', async () => {
  const stop = new AbortController();
  const abort = async (): Promise<string> => {
    stop.abort(new Error('deleted'));
    throw new Error('interrupted');
  };
  await using site = await aStore({ digestOf: abort, signal: stop.signal });
  await assert.rejects(templateFor(spec, site.options), /deleted/);
});

/** An open template as `publishTemplate` leaves it. */
async function aTemplate(store: string, created: string): Promise<OpenTemplate> {
  const dir = join(store, 'key1');
  const manifest = { format: 1, key: 'key1', created, parts: { state: { sha256: '', size: 0 } } };
  await mkdir(dir);
  await writeFile(join(dir, 'manifest.json'), JSON.stringify(manifest));
  return { dir, manifest, ours: true } as unknown as OpenTemplate;
}

test('giveUpTemplate() removes a template, and says so to those who ask for it', async () => {
  await using site = await aStore();
  const template = await aTemplate(site.store, '2026-01-01T00:00:00Z');
  assert.equal(await giveUpTemplate(template, site.store, 'it is no good'), true);
  assert.deepEqual(await readdir(site.store), ['.failed-key1']);
});

test('giveUpTemplate() holds nothing against one that was removed, or made anew, meanwhile', async () => {
  await using site = await aStore();
  const old = await aTemplate(site.store, '2026-01-01T00:00:00Z');
  await rm(old.dir, { recursive: true });
  assert.equal(await giveUpTemplate(old, site.store, 'there is no such file'), false);
  assert.deepEqual(await readdir(site.store), []);
  await aTemplate(site.store, '2026-02-02T00:00:00Z');
  await giveUpTemplate(old, site.store, 'there is no such file');
  assert.deepEqual(await readdir(site.store), ['key1']);
});
