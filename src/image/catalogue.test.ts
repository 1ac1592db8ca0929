import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findImage, listImages } from './catalogue.ts';
import { aManifest, anImage, aSite } from './test-support.ts';

test('listImages() lists the host first and the images by name', async () => {
  await using site = await aSite();
  await anImage(site.dir, aManifest({ name: 'debian-12' }));
  await anImage(site.dir, aManifest({ name: 'debian-9' }));
  const { entries, problems } = await listImages([site.dir]);
  assert.deepEqual(
    entries.map((entry) => entry.name),
    ['host', 'debian-9', 'debian-12'],
  );
  assert.deepEqual(problems, []);
});

test('listImages() works without any pool', async () => {
  assert.deepEqual(
    (await listImages(['/nonexistent/images'])).entries.map((entry) => entry.name),
    ['host'],
  );
});

test('listImages() takes the image of the first pool that has the name', async () => {
  await using site = await aSite();
  const [first, second] = [join(site.dir, 'a'), join(site.dir, 'b')];
  await anImage(first, aManifest({ description: 'first' }));
  await anImage(second, aManifest({ description: 'second' }));
  const { entries } = await listImages([first, second]);
  assert.deepEqual(
    entries.slice(1).map((entry) => entry.description),
    ['first'],
  );
});

test('listImages() leaves out what is half-written and reports what is broken', async () => {
  await using site = await aSite();
  await anImage(site.dir);
  await mkdir(join(site.dir, '.new-fedora-1a2b3c'));
  await writeFile(join(site.dir, '.lock'), '');
  await mkdir(join(site.dir, 'empty'));
  const { entries, problems } = await listImages([site.dir]);
  assert.deepEqual(
    entries.map((entry) => entry.name),
    ['host', 'debian-12'],
  );
  assert.deepEqual(
    problems.map((problem) => problem.dir),
    [join(site.dir, 'empty')],
  );
});

test('findImage() says which images there are and which one was probably meant', async () => {
  await using site = await aSite();
  await anImage(site.dir);
  await assert.rejects(findImage('debain-12', [site.dir]), {
    code: 'E_IMAGE_UNKNOWN',
    message: 'Cannot use image "debain-12": there is no such image',
    hint: 'Did you mean "debian-12"? Images here: host, debian-12',
  });
});

test('findImage() looks for no name outside the pool', async () => {
  await using site = await aSite();
  await anImage(site.dir);
  const pool = join(site.dir, 'pool');
  await mkdir(pool);
  await assert.rejects(findImage('../debian-12', [pool]), { code: 'E_IMAGE_UNKNOWN' });
});

test('findImage() refuses an image that was renamed by its directory', async () => {
  await using site = await aSite();
  const dir = await anImage(site.dir);
  await writeFile(join(dir, 'manifest.json'), JSON.stringify(aManifest({ name: 'other' })));
  await assert.rejects(findImage('debian-12', [site.dir]), { code: 'E_IMAGE_MANIFEST', message: /names "other"/ });
});
