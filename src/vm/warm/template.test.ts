import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { VmSpec } from '../spec.ts';
import { type TemplateOptions, templateFor } from './template.ts';

const spec: VmSpec = {
  name: 'vnode1-1',
  vcpus: 1,
  ram: 512 * 1024 ** 2,
  accelerator: 'tcg',
  boot: { kind: 'direct', kernel: '/k/vmlinux', initrd: '/k/initrd.cpio' },
  shares: [],
};

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
  await using site = await aStore({ whyNotTrusted: async (path) => `"${path}" may be written by others` });
  const first = await templateFor(spec, site.options);
  assert.match(
    first.template === undefined ? first.reason : '',
    /^no place for templates: .* may be written by others$/,
  );
  const second = await templateFor(spec, { ...site.options, whyNotTrusted: async () => undefined });
  assert.match(second.template === undefined ? second.reason : '', /\(tried before\)$/);
  assert.deepEqual(
    (await readdir(site.store)).filter((name) => !name.startsWith('.failed-')),
    [],
  );
});

test('templateFor() gives a reason instead of an error, whatever fails', async () => {
  await using site = await aStore({ digestOf: () => Promise.reject(new Error('the kernel cannot be read')) });
  assert.deepEqual(await templateFor(spec, site.options), { reason: 'the kernel cannot be read' });
  assert.deepEqual(await readdir(site.store), []);
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
