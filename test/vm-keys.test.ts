// The keys of -vm beyond img, vcpus and ram, each seen from within its VM.
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { aFolder } from './support/folder.ts';
import { ensureImage } from './support/images.ts';
import { useCluster } from './support/use-cluster.ts';

/** A folder of the node that no job has by itself; everybody may write there. */
let scratch: string;

const cluster = useCluster({
  beforeStart: () => ensureImage('debian-12'),
  around: async (ending) => {
    scratch = await aFolder('scratch', ending);
    await mkdir(join(scratch, 'in'));
    await writeFile(join(scratch, 'in/given'), 'given\n');
    await mkdir(join(scratch, 'out'));
    await chmod(join(scratch, 'out'), 0o777);
  },
});

async function runJob(name: string, request: string, lines: readonly string[]) {
  const id = await cluster.submit(['-vm', request], ['#!/bin/bash', ...lines, ''].join('\n'), name);
  return cluster.wait(id);
}

for (const guest of ['host', 'debian-12']) {
  describe(`with img=${guest}`, () => {
    const base = `img=${guest},vcpus=1,ram=512M`;

    test('mount= brings a folder of the node into the guest, and what the job writes there is his on the node', async () => {
      const lines = ['echo "from $(hostname)" > /data/result && cat /data/result'];
      const request = `${base},mount=${join(scratch, 'out')}:/data`;
      const { stdout, stderr, exitStatus } = await runJob(`mount-${guest}.sh`, request, lines);
      assert.deepEqual([stdout.toString(), stderr.toString(), exitStatus], ['from vnode1-1\n', '', 0]);
      assert.equal(await readFile(join(scratch, 'out/result'), 'utf8'), 'from vnode1-1\n');
      await rm(join(scratch, 'out/result'));
    });

    test('mount=...:ro can be read, and the node refuses what is written', async () => {
      const lines = ['cat /in/given', 'echo x > /in/new || echo refused', 'grep -c " /in .*[ ,]ro," /proc/mounts'];
      const request = `${base},mount=${join(scratch, 'in')}:/in:ro`;
      const { stdout, exitStatus } = await runJob(`ro-${guest}.sh`, request, lines);
      assert.deepEqual([stdout.toString(), exitStatus], ['given\nrefused\n1\n', 0]);
      assert.deepEqual(await readdir(join(scratch, 'in')), ['given']);
    });

    test('env=, net=none and cpu= hold inside', async () => {
      const lines = [
        'printf "%s\\n" "$GREETING" "$EMPTY" "$(printenv NOT_ASKED || echo unset)"',
        'ls /sys/class/net',
        'grep -m1 "model name" /proc/cpuinfo',
      ];
      const request = `${base},net=none,cpu=qemu64,env='GREETING=a, "b" = c',env=EMPTY=`;
      const { stdout, exitStatus } = await runJob(`inside-${guest}.sh`, request, lines);
      const [greeting, empty, notAsked, interfaces, model] = stdout.toString().split('\n');
      assert.deepEqual([greeting, empty, notAsked, interfaces], ['a, "b" = c', '', 'unset', 'lo']);
      assert.match(model ?? '', /QEMU Virtual CPU/);
      assert.equal(exitStatus, 0);
    });
  });
}

test('a folder that has gone from the node ends the job before its VM starts, with the reason', async () => {
  const folder = join(scratch, 'none');
  await mkdir(folder);
  const args = ['-h', '-vm', `img=host,ram=512M,mount=${folder}:/data`];
  const id = await cluster.submit(args, '#!/bin/bash\necho ran\n', 'nofolder.sh');
  await rm(folder, { recursive: true });
  await cluster.run(['qrls', id]);
  const { stdout, stderr, exitStatus } = await cluster.wait(id);
  assert.match(
    stderr.toString(),
    /Cannot mount ".*\/none" at "\/data": there is none on this node\n {2}phase: storage/,
  );
  assert.deepEqual([stdout.toString(), exitStatus], ['', 242]);
});

test('distro= is compared with the system of the guest before the job is queued', async () => {
  await writeFile(join(cluster.work, 'distro.sh'), '#!/bin/sh\necho ran\n');
  for (const image of ['debian-12', 'host']) {
    const { stdout, stderr, code } = await cluster.run(['vsub', '-vm', `img=${image},distro=OSv`, 'distro.sh']);
    assert.match(stderr, new RegExp(`^vsub: Cannot use image "${image}" with distro=osv: it is \\w+\\n`));
    assert.deepEqual([stdout, code], ['', 1]);
  }
});
