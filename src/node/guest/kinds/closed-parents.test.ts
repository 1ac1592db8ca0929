import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { closedParents } from './closed-parents.ts';

const skip = process.getuid?.() === 0 ? 'root may read every directory' : false;

test('closedParents() finds the outermost directory that may be entered but not read', { skip }, async () => {
  const base = await mkdtemp(join(tmpdir(), 'vtorque-test-'));
  try {
    await mkdir(join(base, 'closed/inner/home'), { recursive: true });
    await chmod(join(base, 'closed/inner'), 0o111);
    await chmod(join(base, 'closed'), 0o111);
    const [home, other] = [join(base, 'closed/inner/home'), join(base, 'closed/inner/project')];
    assert.deepEqual(await closedParents([home, other]), [join(base, 'closed')]);
  } finally {
    await chmod(join(base, 'closed'), 0o755);
    await chmod(join(base, 'closed/inner'), 0o755);
    await rm(base, { recursive: true });
  }
});

test('closedParents() leaves alone what can be read, and what is not there', async () => {
  assert.deepEqual(await closedParents(['/usr/bin', '/nonexistent/deep/path', '/']), []);
});
