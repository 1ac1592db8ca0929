// Images by a recipe of one's own, built by an ordinary user, and a job in one. A build takes two minutes, so that this is not part of
// every run.
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandResult, execute, startCluster, type TestCluster } from './support/cluster.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';

const skip = process.env.VTORQUE_SLOW_TESTS !== '1' && 'takes 6 minutes; set VTORQUE_SLOW_TESTS=1 to run it';
const buildWithinMs = 590_000;

let cluster: TestCluster;
let clean: Residue;

before(async () => {
  if (skip) return;
  clean = await lookForResidue();
  cluster = await startCluster();
});

after(async () => {
  if (skip) return;
  await cluster?.[Symbol.asyncDispose]();
  await expectNoResidue(clean);
});

function build(recipe: string): Promise<CommandResult> {
  const { user, env, work } = cluster;
  const variables = Object.entries({ ...env, HOME: user.home }).map(([name, value]) => `${name}=${value}`);
  const command = [...user.become, 'env', ...variables, 'vtorque', 'image', 'build', recipe];
  return execute(command, { cwd: work, env: process.env, timeoutMs: buildWithinMs });
}

test('a command that fails ends the build with its last words, and leaves nothing', { skip }, async () => {
  const recipe = 'name = "broken"\ncommands = ["test -d /etc/apt", "echo last words >&2; exit 7", "touch /never"]\n';
  await writeFile(join(cluster.work, 'broken.toml'), recipe);
  const { code, stderr } = await build('broken.toml');
  assert.equal(code, 1);
  assert.match(stderr, /Cannot build image "broken": stage "packages" failed/);
  assert.match(stderr, /last words/);
  const pool = join(cluster.user.home, '.local/share/vtorque/images');
  assert.deepEqual(await readdir(pool), ['.lock']);
});

test("a user's own image for MPI runs an MPI job", { skip }, async () => {
  const { code, stderr } = await build(join(cluster.root, 'examples/images/mpi.toml'));
  assert.equal(code, 0, stderr);
  const vm = ['-vm', 'img=mpi,vcpus=2,ram=1G', '-l', 'nodes=1:ppn=2'];
  const id = await cluster.submit(vm, '#!/bin/sh\nmpirun --oversubscribe -np 4 mpi-hello | sort\n');
  const { stdout, exitStatus } = await cluster.wait(id);
  const ranks = [0, 1, 2, 3].map((rank) => `rank ${rank} of 4 on vnode1-1\n`);
  assert.deepEqual([stdout.toString(), exitStatus], [ranks.join(''), 0]);
});
