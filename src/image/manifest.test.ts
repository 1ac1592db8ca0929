import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseManifest } from './manifest.ts';
import { isImageName } from './names.ts';
import { aCloudManifest, aManifest } from './test-support.ts';

test('parseManifest() reads what it was given', () => {
  assert.deepEqual(parseManifest(JSON.stringify(aManifest())), aManifest());
});

test('parseManifest() names the field that is missing', () => {
  for (const field of Object.keys(aManifest())) {
    const { [field]: _, ...rest } = aManifest() as unknown as Record<string, unknown>;
    assert.throws(() => parseManifest(JSON.stringify(rest)), new RegExp(`${field}`), field);
  }
});

test('parseManifest() reads that of an image that boots itself', () => {
  assert.deepEqual(parseManifest(JSON.stringify(aCloudManifest())), aCloudManifest());
});

test('parseManifest() wants a kernel where one is to be booted', () => {
  const manifest = { ...aCloudManifest(), boot: 'direct' };
  assert.throws(() => parseManifest(JSON.stringify(manifest)), /kernel is no object/);
});

test('parseManifest() lets no file name lead out of the image', () => {
  for (const file of ['../../etc/shadow', '/etc/shadow', '.hidden', '']) {
    const disk = { ...aManifest().disk, file };
    assert.throws(() => parseManifest(JSON.stringify(aManifest({ disk }))), /field "disk.file" is/);
  }
});

test('parseManifest() refuses a format of another version', () => {
  const manifest = { ...aManifest(), format: 2 };
  assert.throws(() => parseManifest(JSON.stringify(manifest)), /field "format" is 2/);
});

test('parseManifest() refuses any other JSON with a plain error', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      assert.throws(() => parseManifest(json), Error);
    }),
  );
});

test('isImageName() refuses what is no plain file name', () => {
  for (const name of ['debian-12', 'rocky9.3', 'my_image+mpi']) assert.equal(isImageName(name), true, name);
  for (const name of ['', '.', '..', '.x', 'a/b', 'a b', 'a\n', '-x', 'x'.repeat(65)])
    assert.equal(isImageName(name), false, name);
});
