import assert from 'node:assert/strict';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findImage, imagePools } from '../catalogue.ts';
import { aManifest, anImage, aSite } from '../test-support.ts';
import { claimImage, useImage, useLockOf } from '../use-lock.ts';
import { deleteImage, describeImage, imageInUse, verifyImage } from './change.ts';

async function aPoolWithImage() {
  const site = await aSite();
  const pool = imagePools([site.places])[0] as string;
  const dir = await anImage(pool);
  return { ...site, pool, dir, options: { places: [site.places], own: site.places, progress: () => {} } };
}

test('deleteImage() removes an image and leaves nothing of it', async () => {
  await using site = await aPoolWithImage();
  await deleteImage('debian-12', { ...site.options, force: false });
  assert.deepEqual(await readdir(site.pool), ['.lock']);
});

test('deleteImage() refuses an image that is in use, until it is not', async () => {
  await using site = await aPoolWithImage();
  {
    await using _use = await useImage(useLockOf(site.dir));
    await using _another = await useImage(useLockOf(site.dir));
    assert.equal(await imageInUse(site.dir), true);
    await assert.rejects(deleteImage('debian-12', { ...site.options, force: false }), { code: 'E_IMAGE_IN_USE' });
  }
  assert.equal(await imageInUse(site.dir), false);
  await deleteImage('debian-12', { ...site.options, force: false });
});

test('useImage() is not kept from an image by somebody who only holds its lock', async () => {
  await using site = await aPoolWithImage();
  await using _claim = await claimImage(useLockOf(site.dir));
  await using _use = await useImage(useLockOf(site.dir));
});

test('deleteImage() with force removes one in use', async () => {
  await using site = await aPoolWithImage();
  await using _use = await useImage(useLockOf(site.dir));
  await deleteImage('debian-12', { ...site.options, force: true });
  await assert.rejects(useImage(useLockOf(site.dir)), { code: 'E_IMAGE_GONE' });
});

test('deleteImage() removes an image whose manifest is damaged', async () => {
  await using site = await aPoolWithImage();
  await writeFile(join(site.dir, 'manifest.json'), '{');
  await rm(useLockOf(site.dir));
  await deleteImage('debian-12', { ...site.options, force: false });
  assert.deepEqual(await readdir(site.pool), ['.lock']);
});

test('deleteImage() touches nothing outside the pool of its user', async () => {
  await using site = await aPoolWithImage();
  await using other = await aSite();
  const options = { ...site.options, places: [site.places, other.places], own: other.places, force: false };
  await assert.rejects(deleteImage('debian-12', options), { code: 'E_IMAGE_NOT_OWN' });
  await assert.rejects(deleteImage('../images', { ...site.options, force: true }), { code: 'E_IMAGE_NAME' });
  await assert.rejects(deleteImage('host', { ...site.options, force: true }), { code: 'E_IMAGE_NAME' });
  await assert.rejects(deleteImage('debian', { ...site.options, force: true }), { code: 'E_IMAGE_UNKNOWN' });
});

test('describeImage() changes the description and nothing else, also while the image is used', async () => {
  await using site = await aPoolWithImage();
  await using _use = await useImage(useLockOf(site.dir));
  await describeImage('debian-12', 'for "everybody", ümläut', site.options);
  const entry = await findImage('debian-12', [site.pool]);
  assert.ok(entry.kind === 'disk');
  assert.deepEqual(entry.manifest, aManifest({ description: 'for "everybody", ümläut' }));
  assert.equal(await imageInUse(site.dir), true);
});

test('verifyImage() reads the whole disk', async () => {
  await using site = await aPoolWithImage();
  const options = { places: [site.places], uid: process.getuid?.() ?? 0 };
  assert.equal((await verifyImage('debian-12', options)).name, 'debian-12');
  await writeFile(join(site.dir, 'disk.qcow2'), 'bytes of a dish');
  await assert.rejects(verifyImage('debian-12', options), { code: 'E_IMAGE_DAMAGED' });
});
