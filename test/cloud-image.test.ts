// A job in a cloud image that knows nothing of this project: firmware, GRUB, its own kernel, systemd, cloud-init. Making the image
// takes two minutes and each start of it two more without KVM, so that this is not part of every run.
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CloudImage, makeCloudImage } from './support/cloud-image.ts';
import { startCluster, type TestCluster } from './support/cluster.ts';
import { processesOf } from './support/processes.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { isRoot } from './support/users.ts';

const skip =
  process.env.VTORQUE_SLOW_TESTS !== '1'
    ? 'takes 6 minutes; set VTORQUE_SLOW_TESTS=1 to run it'
    : !isRoot && 'makes its image as root';

/** On a machine that has other work, too. */
const bootsWithinMs = 590_000;

let image: CloudImage;
let cluster: TestCluster;
let clean: Residue;

before(async () => {
  if (skip) return;
  image = await makeCloudImage();
  clean = await lookForResidue();
  cluster = await startCluster();
  const { code, stderr } = await cluster.run(['vtorque', 'image', 'add', image.path, 'cloudy']);
  assert.equal(code, 0, stderr);
});

after(async () => {
  if (skip) return;
  await cluster?.[Symbol.asyncDispose]();
  await image?.[Symbol.asyncDispose]();
  await expectNoResidue(clean);
});

test('a job runs in a cloud image, as the user, with his files, and gives back its exit code', { skip }, async () => {
  const facts = ['uname -r', 'hostname', 'id -u', 'pwd', 'cat "$PBS_NODEFILE"', 'ps -p 1 -o comm='];
  const lines = ['#!/bin/bash', ...facts, 'cd "$PBS_O_WORKDIR"', 'hostname > written', 'echo oops >&2', 'exit 7', ''];
  const vm = ['-vm', 'img=cloudy,vcpus=2,ram=1G', '-l', 'nodes=1:ppn=2,walltime=00:20:00'];
  const id = await cluster.submit(vm, lines.join('\n'));
  const job = await cluster.wait(id, bootsWithinMs);
  assert.equal(job.stderr.toString(), 'oops\n');
  const [kernel = '', ...rest] = job.stdout.toString().trimEnd().split('\n');
  assert.match(kernel, /-cloud-amd64$/);
  const { uid, home } = cluster.user;
  assert.deepEqual(rest, ['vnode1-1', `${uid}`, home, 'vnode1-1', 'vnode1-1', 'systemd']);
  assert.equal(job.exitStatus, 7);
  assert.equal(await readFile(join(cluster.work, 'written'), 'utf8'), 'vnode1-1\n');
  assert.equal((await stat(join(cluster.work, 'written'))).uid, uid);
});

test('a job in a cloud image that is deleted while it boots leaves nothing', { skip }, async () => {
  const vm = ['-vm', 'img=cloudy,vcpus=1,ram=1G', '-l', 'nodes=1:ppn=1,walltime=00:20:00'];
  const id = await cluster.submit(vm, '#!/bin/sh\ntrue\n');
  await processesOf(cluster.user, /^qemu-system/);
  assert.equal((await cluster.run(['qdel', id])).code, 0);
  const { exitStatus } = await cluster.wait(id);
  assert.notEqual(exitStatus, 0);
});
