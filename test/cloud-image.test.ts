// A job in a cloud image that knows nothing of this project: firmware, GRUB, its own kernel, systemd, cloud-init. Making the image
// takes two minutes and each start of it two more without KVM, so that this is not part of every run.
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CloudImage, makeCloudImage } from './support/cloud-image.ts';
import { execute, startCluster, type TestCluster } from './support/cluster.ts';
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

test('a job runs in a cloud image, as the user, with his files and his disk, and gives back its exit code', {
  skip,
}, async () => {
  const facts = ['uname -r', 'hostname', 'id -u', 'pwd', 'cat "$PBS_NODEFILE"', 'ps -p 1 -o comm='];
  // What is left running holds the disk.
  const disk = ['stat -c %U /data', 'echo kept > /data/file', 'setsid sleep 1000 < /data/file > /dev/null 2>&1 &'];
  const lines = [
    '#!/bin/bash',
    ...facts,
    'cd "$PBS_O_WORKDIR"',
    'hostname > written',
    'echo oops >&2',
    ...disk,
    'exit 7',
    '',
  ];
  const request = 'img=cloudy,vcpus=2,ram=1G,disk=kept.raw:64M,fs_type=ramdisk';
  const vm = ['-vm', request, '-l', 'nodes=1:ppn=2,walltime=00:20:00'];
  const id = await cluster.submit(vm, lines.join('\n'));
  const job = await cluster.wait(id, bootsWithinMs);
  assert.equal(job.stderr.toString(), 'oops\n');
  const [kernel = '', ...rest] = job.stdout.toString().trimEnd().split('\n');
  assert.match(kernel, /-cloud-amd64$/);
  const { uid, home } = cluster.user;
  assert.deepEqual(rest, ['vnode1-1', `${uid}`, home, 'vnode1-1', 'vnode1-1', 'systemd', cluster.user.name]);
  assert.equal(job.exitStatus, 7);
  assert.equal(await readFile(join(cluster.work, 'written'), 'utf8'), 'vnode1-1\n');
  assert.equal((await stat(join(cluster.work, 'written'))).uid, uid);
  const checked = await execute(['/usr/sbin/e2fsck', '-f', '-n', join(cluster.work, 'kept.raw')], {});
  assert.deepEqual([checked.code, /recovering journal/.test(checked.stdout)], [0, false], checked.stdout);
  const read = await execute(['/usr/sbin/debugfs', '-R', 'cat /file', join(cluster.work, 'kept.raw')], {});
  assert.equal(read.stdout, 'kept\n');
});

test('the next jobs in it are clones of the system that has come up: machines of their own, with their own interface', {
  skip,
}, async () => {
  const vm = ['-vm', 'img=cloudy,vcpus=2,ram=1G', '-l', 'nodes=1:ppn=2,walltime=00:20:00'];
  const lines = [
    'cat /etc/machine-id',
    'ip -o -4 addr show eth0',
    'ls /etc/ssh 2>/dev/null | grep -c host_',
    'date +%s',
  ];
  const run = async (): Promise<string[]> => {
    const id = await cluster.submit(vm, `#!/bin/sh\n${lines.join('\n')}\n`);
    return (await cluster.wait(id, bootsWithinMs)).stdout.toString().trimEnd().split('\n');
  };
  const outputs = await Promise.all([run(), run()]);
  assert.notEqual(outputs[0]?.[0], outputs[1]?.[0]);
  for (const [machine = '', address = '', keys, seconds] of outputs) {
    assert.match(machine, /^[0-9a-f]{32}$/);
    assert.match(address, /eth0 +inet \d+/);
    assert.equal(keys, '0');
    assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 600);
  }
});

test('a job in a cloud image that is deleted while it boots leaves nothing', { skip }, async () => {
  const vm = ['-vm', 'img=cloudy,vcpus=1,ram=1G,warm=off', '-l', 'nodes=1:ppn=1,walltime=00:20:00'];
  const id = await cluster.submit(vm, '#!/bin/sh\ntrue\n');
  await processesOf(cluster.user, /^qemu-system/);
  assert.equal((await cluster.run(['qdel', id])).code, 0);
  const { exitStatus } = await cluster.wait(id);
  assert.notEqual(exitStatus, 0);
});
