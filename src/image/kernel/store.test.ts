import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { aKernel } from '../test-support.ts';
import { compareReleases, listKernels } from './store.ts';

test('compareReleases() orders by numbers', () => {
  const releases = ['6.1.0-56-amd64', '6.1.0-9-amd64', '6.12.0-1-amd64'];
  assert.deepEqual(releases.sort(compareReleases), ['6.1.0-9-amd64', '6.1.0-56-amd64', '6.12.0-1-amd64']);
});

test('listKernels() gives the newest first and leaves out what is half-made or of another format', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'vtorque-kernels-'));
  try {
    await aKernel(join(dir, '6.1.0-9-amd64'));
    await aKernel(join(dir, '6.1.0-56-amd64'));
    await aKernel(join(dir, '.new-6.1.0-57-amd64'));
    await aKernel(join(dir, '6.1.0-58-amd64'), { format: 99 });
    await mkdir(join(dir, '6.1.0-59-amd64'));
    const releases = (await listKernels(dir)).map((kernel) => kernel.release);
    assert.deepEqual(releases, ['6.1.0-56-amd64', '6.1.0-9-amd64']);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('listKernels() finds nothing in a directory that is not there', async () => {
  assert.deepEqual(await listKernels('/nonexistent/kernel'), []);
});
