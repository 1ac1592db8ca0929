import assert from 'node:assert/strict';
import { appendFile, chmod, mkdtemp, open, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listTemplates } from './collect.ts';
import { digestOfData } from './data-digest.ts';
import { sweepDrafts } from './drafts.ts';
import { templateFiles } from './manifest.ts';
import { type NewTemplate, openTemplate, publishTemplate } from './store.ts';
import { verifyTemplates } from './verify.ts';

const MiB = 1024 ** 2;
const uid = process.getuid?.() ?? 0;
const trusted = async (): Promise<undefined> => undefined;
const facts: NewTemplate = {
  ...{ vcpus: 1, ram: 64 * MiB, accelerator: 'tcg', boots: '/k/vmlinux', withDisk: true },
  state: Buffer.from('state of the devices'),
};

/** Seconds since 1970. */
const written = 1_000_000_000;

async function fill(draft: string): Promise<NewTemplate> {
  await using file = await open(templateFiles(draft).ram, 'w');
  await file.write(Buffer.alloc(MiB, 7), 0, MiB, 8 * MiB);
  await file.truncate(facts.ram);
  await writeFile(templateFiles(draft).disk, 'what it has written');
  await file.utimes(written, written);
  return facts;
}

async function aStore(): Promise<AsyncDisposable & { readonly store: string; readonly dir: string }> {
  const store = await mkdtemp(join(tmpdir(), 'vtt-store-'));
  const dir = join(store, 'key1');
  return { store, dir, [Symbol.asyncDispose]: () => rm(store, { recursive: true, force: true }) };
}

test('a template that was published can be opened, and its state is read from the beginning', async () => {
  await using site = await aStore();
  await publishTemplate(site.dir, { key: 'key1', open: false, fill });
  await using template = await openTemplate(site.dir, uid, trusted);
  assert.ok(template);
  assert.equal(template.manifest.vcpus, 1);
  assert.equal(template.ours, true);
  assert.equal((await template.state.readFile()).toString(), 'state of the devices');
  assert.deepEqual(await readdir(site.store), ['key1']);
});

test('a template that was not finished is not there, and leaves nothing', async () => {
  await using site = await aStore();
  const fails = (): Promise<never> => Promise.reject(new Error('killed'));
  await assert.rejects(publishTemplate(site.dir, { key: 'key1', open: false, fill: fails }), /killed/);
  assert.equal(await openTemplate(site.dir, uid, trusted), undefined);
  assert.deepEqual(await readdir(site.store), []);
});

test('nobody else gets into a template that is being made, also where it will be for all', async () => {
  await using site = await aStore();
  let mode = 0;
  const look = async (draft: string): Promise<NewTemplate> => {
    ({ mode } = await stat(draft));
    return fill(draft);
  };
  await publishTemplate(site.dir, { key: 'key1', open: true, fill: look });
  assert.equal(mode & 0o077, 0);
  assert.equal((await stat(site.dir)).mode & 0o777, 0o755);
});

test('sweepDrafts() removes what interrupted makers of this key have left, and nothing of others', async () => {
  await using site = await aStore();
  for (const name of ['.new-key1-0123', '.new-key2-0123']) await writeFile(join(site.store, name), '');
  await sweepDrafts(site.store, 'key1');
  assert.deepEqual(await readdir(site.store), ['.new-key2-0123']);
});

/** Other bytes, the same size and time of the last write. */
async function changeUnseen(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(Buffer.alloc(100, 8), 0, 100, 8 * MiB);
  await file.utimes(written, written);
}

test('openTemplate() refuses one whose state or memory has changed since', async () => {
  await using site = await aStore();
  const files = templateFiles(site.dir);
  const changes: [RegExp, () => Promise<void>][] = [
    [/its state/, () => chmod(files.state, 0o600).then(() => appendFile(files.state, 'x'))],
    [/its memory/, () => utimes(files.ram, 1, 1)],
    [/its memory/, () => changeUnseen(files.ram)],
    [/its memory/, () => truncate(files.ram, MiB)],
    [/its disk/, () => utimes(files.disk, 1, 1)],
    [/JSON/, () => writeFile(files.manifest, '{"form')],
    [/another version/, () => writeFile(files.manifest, '{"format":2}')],
  ];
  for (const [reason, change] of changes) {
    await publishTemplate(site.dir, { key: 'key1', open: false, fill });
    await change();
    await assert.rejects(openTemplate(site.dir, uid, trusted), reason);
  }
});

test('openTemplate() refuses one that somebody else could have written', async () => {
  await using site = await aStore();
  await publishTemplate(site.dir, { key: 'key1', open: false, fill });
  const check = async (path: string): Promise<string | undefined> => (path.endsWith('/ram') ? 'mode 666' : undefined);
  await assert.rejects(openTemplate(site.dir, uid, check), /not trusted: mode 666/);
});

test('digestOfData() depends on what is in a file and where, and does not read holes', async () => {
  await using site = await aStore();
  const digestWith = async (at: number, byte: number): Promise<string> => {
    const path = join(site.store, 'file');
    await using file = await open(path, 'w');
    await file.write(Buffer.alloc(MiB, byte), 0, MiB, at);
    await file.truncate(64 * 1024 * MiB);
    const { sha256, data } = await digestOfData(path);
    assert.equal(data, MiB);
    return sha256;
  };
  const digests = [await digestWith(0, 1), await digestWith(MiB, 1), await digestWith(0, 2), await digestWith(0, 1)];
  assert.equal(new Set(digests).size, 3);
  assert.equal(digests[3], digests[0]);
});

test('verifyTemplates() finds what has changed without a trace', async () => {
  await using site = await aStore();
  const files = templateFiles(site.dir);
  await publishTemplate(site.dir, { key: 'key1', open: false, fill });
  await verifyTemplates(await listTemplates([site.store]));
  for (const [path, state] of [
    [files.ram, 'its memory is another'],
    [files.disk, 'its disk is another'],
    [files.state, 'its state is another'],
  ] as const) {
    await publishTemplate(site.dir, { key: 'key1', open: false, fill });
    await chmod(path, 0o600);
    await changeUnseen(path);
    await assert.rejects(verifyTemplates(await listTemplates([site.store])), {
      code: 'E_TEMPLATE_DAMAGED',
      message: 'Cannot trust 1 of 1 templates',
      details: [`${site.dir}: ${state}`],
    });
  }
});
