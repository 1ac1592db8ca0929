// The settings of the embedded batch system that concern hooks: their time, and what becomes of a node where one has failed.
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type UserAtWork, useBatch } from './support/embedded.ts';
import { isRoot } from './support/users.ts';

// Torque's rule makes one second of the time limit.
const t = useBatch({ config: 'down_on_error = true\nprologalarm = 11\n' });

test('a node whose hook has failed gets no jobs until pbsnodes -r, and says why', async () => {
  const prologue = join(t.batch.dir, 'mom_priv/prologue');
  await writeFile(prologue, '#!/bin/sh\n[ "$PBS_MSHOST" != node1 ]\n[ $? = 0 ] || exit 2\n', { mode: 0o755 });
  const id = await t.batch.submit(t.user, 'uniq "$PBS_NODEFILE"');
  const job = await t.batch.wait(id);
  assert.deepEqual([job.exitStatus, job.startCount], [0, 2]);
  assert.equal(await t.output(id), 'node2\n');
  const { stdout } = await t.batch.run(t.user, ['pbsnodes', '-l', '-n']);
  assert.equal(stdout, `node1                ${'down'.padEnd(26)} ERROR: prolog/epilog failed: prologue, job ${id}\n`);
  await rm(prologue);
  const root: UserAtWork = isRoot ? { ...t.user, name: 'root', uid: 0, become: [] } : t.user;
  await t.batch.run(root, ['pbsnodes', '-c', 'node1']);
  assert.match((await t.batch.run(t.user, ['pbsnodes', '-l'])).stdout, /^node1 +down\n$/);
  assert.equal((await t.batch.run(root, ['pbsnodes', '-r', '-N', '', 'node1'])).code, 0);
  const again = await t.batch.submit(t.user, 'uniq "$PBS_NODEFILE"');
  await t.batch.wait(again);
  assert.equal(await t.output(again), 'node1\n');
});

test('a hook that takes too long has failed, and all processes of its session are killed', async () => {
  const prologue = join(t.batch.dir, 'mom_priv/prologue');
  await writeFile(prologue, '#!/bin/sh\n[ "$PBS_MSHOST" != node1 ] || { sleep 1000 & sleep 1000; }\n', { mode: 0o755 });
  const job = await t.batch.wait(await t.batch.submit(t.user, 'true'));
  assert.deepEqual([job.exitStatus, job.startCount], [0, 2]);
  await rm(prologue);
});
