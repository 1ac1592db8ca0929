// Disks, the site's folders, and the limits of the job, seen from within its VM and, afterwards, from the node.
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { execute } from './support/cluster.ts';
import { aFolder } from './support/folder.ts';
import { ensureImage } from './support/images.ts';
import { processesOf } from './support/processes.ts';
import { useCluster } from './support/use-cluster.ts';

/** What nodes of the site have for all. */
let site: string;

const cluster = useCluster({
  nodes: 2,
  beforeStart: () => ensureImage('debian-12'),
  around: async (ending) => {
    site = await aFolder('site', ending);
    for (const folder of ['workspace', 'opt/tools/bin', 'scratch']) {
      await mkdir(join(site, folder), { recursive: true });
    }
    for (const folder of ['workspace', 'scratch']) await chmod(join(site, folder), 0o1777);
    await writeFile(join(site, 'opt/tools/bin/greet'), '#!/bin/sh\necho from the cluster\n', { mode: 0o755 });
  },
});

function submit(name: string, request: string, lines: readonly string[], ...more: string[]): Promise<string> {
  return cluster.submit(
    [...more, '-vm', request],
    ['#!/bin/bash', 'cd "$PBS_O_WORKDIR"', ...lines, ''].join('\n'),
    name,
  );
}

async function runJob(name: string, request: string, lines: readonly string[]) {
  const { stdout, stderr, exitStatus } = await cluster.wait(await submit(name, request, lines));
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitStatus };
}

/** What e2fsck says of a raw disk: nothing is wrong with it, nor was anything put right. */
async function expectCleanFileSystem(file: string): Promise<void> {
  const { code, stdout } = await execute(['/usr/sbin/e2fsck', '-f', '-n', file], {});
  assert.deepEqual([code, /recovering journal|UNEXPECTED|was not cleanly/.test(stdout)], [0, false], stdout);
}

for (const guest of ['host', 'debian-12']) {
  describe(`with img=${guest}`, () => {
    const base = `img=${guest},vcpus=1,ram=512M`;

    test('disk=SIZE is scratch at /data: the user has it, and it goes with the job', async () => {
      const lines = [
        'stat -c "%U %a" /data',
        'echo x > /data/file && cat /data/file',
        'grep -c " /data ext4 " /proc/mounts',
      ];
      const { stdout, stderr, exitStatus } = await runJob(`scratch-${guest}.sh`, `${base},disk=64M`, lines);
      assert.deepEqual([stdout, stderr, exitStatus], [`${cluster.user.name} 755\nx\n1\n`, '', 0]);
    });

    test('disk=FILE:SIZE makes the file, the next job finds what was written, and the file system is clean', async () => {
      for (const file of [`${guest}.raw`, `${guest}.qcow2`]) {
        const first = await runJob('first.sh', `${base},disk=${file}:64M`, ['echo kept > /data/file']);
        assert.deepEqual([first.stdout, first.stderr, first.exitStatus], ['', '', 0]);
        const second = await runJob('second.sh', `${base},disk=${file}`, ['cat /data/file']);
        assert.deepEqual([second.stdout, second.stderr, second.exitStatus], ['kept\n', '', 0]);
        const { uid, blocks } = await stat(join(cluster.work, file));
        assert.equal(uid, cluster.user.uid);
        assert.ok(blocks * 512 < 32 * 1024 ** 2, `${file} takes ${blocks * 512} bytes`);
      }
      await expectCleanFileSystem(join(cluster.work, `${guest}.raw`));
    });

    test("the site's workspace is at /workspace and by its own path, its software at /opt-hpc, read-only", async () => {
      const config = join(site, 'config.toml');
      const { workspace, opt } = { workspace: join(site, 'workspace'), opt: join(site, 'opt') };
      await writeFile(config, `[storage]\nworkspace = "${workspace}"\nopt = "${opt}"\n`);
      const lines = [
        `export VTORQUE_CONFIG=${config}`,
        ...[
          'echo mine > /workspace/result',
          `cat ${workspace}/result`,
          '/opt-hpc/tools/bin/greet',
          `${opt}/tools/bin/greet`,
        ],
        'echo x 2> /dev/null > /opt-hpc/tools/new || echo refused',
        'test -x /opt/tools/bin/greet && echo at /opt',
        'true',
      ];
      const name = `site-${guest}.sh`;
      const id = await submit(name, base, lines, '-v', `VTORQUE_CONFIG=${config}`);
      const { stdout, stderr, exitStatus } = await cluster.wait(id);
      const atOpt = guest === 'host' ? '' : 'at /opt\n';
      const expected = `mine\nfrom the cluster\nfrom the cluster\nrefused\n${atOpt}`;
      assert.deepEqual([stdout.toString(), stderr.toString(), exitStatus], [expected, '', 0]);
      assert.equal(await readFile(join(workspace, 'result'), 'utf8'), 'mine\n');
      assert.deepEqual(await readdir(join(opt, 'tools')), ['bin']);
      await rm(join(workspace, 'result'));
    });
  });
}

const base = 'img=host,vcpus=1,ram=512M';

test('a disk that a job uses is refused to another one, on another node too, with the name of the first', async () => {
  const lines = ['touch holds', 'while [ ! -e enough ]; do sleep 0.1; done'];
  const first = await submit('holds.sh', `${base},disk=held.raw:64M`, lines, '-l', 'nodes=node1');
  await cluster.appears('holds');
  const second = await submit('wants.sh', `${base},disk=held.raw`, ['echo ran'], '-l', 'nodes=node2');
  const { stdout, stderr, exitStatus } = await cluster.wait(second);
  assert.match(stderr.toString(), /^vtorque: Cannot use disk=".*\/held\.raw": it is used by job "/);
  assert.ok(stderr.toString().includes(`job "${first}" on node "node1" since `), stderr.toString());
  assert.deepEqual([stdout.toString(), exitStatus], ['', 242]);
  await writeFile(join(cluster.work, 'enough'), '');
  assert.equal((await cluster.wait(first)).exitStatus, 0);
});

test('qdel leaves a clean file system, with all that was written before', async () => {
  const lines = ['seq 1 200000 > /data/numbers', 'cp /data/numbers /data/again', 'touch written', 'sleep 1000'];
  const id = await submit('deleted.sh', `${base},disk=deleted.raw:64M`, lines);
  await cluster.appears('written');
  // As long as it may take on a busy machine; how little time Torque leaves is another matter.
  assert.equal((await cluster.run(['qdel', '-W', '120', id])).code, 0);
  await cluster.wait(id);
  await expectCleanFileSystem(join(cluster.work, 'deleted.raw'));
  const { stdout, exitStatus } = await runJob('after.sh', `${base},disk=deleted.raw`, [
    'cmp /data/numbers /data/again && wc -l < /data/again',
  ]);
  assert.deepEqual([stdout, exitStatus], ['200000\n', 0]);
});

test('with the hook for it, a disk is unmounted even where qdel leaves the job no time', async () => {
  const hook = join(cluster.env.VTORQUE_LOCAL ?? '', 'mom_priv/epilogue.precancel');
  const program = join(cluster.root, 'libexec/vtorque-hook');
  await writeFile(hook, `#!/bin/sh\nexec ${program} embedded epilogue.precancel "$@"\n`, { mode: 0o755 });
  const lines = ['seq 1 200000 > /data/numbers', 'touch hooked', 'sleep 1000'];
  const id = await submit('hooked.sh', `${base},disk=hooked.raw:64M`, lines);
  await cluster.appears('hooked');
  assert.equal((await cluster.run(['qdel', '-W', '0', id])).code, 0);
  await cluster.wait(id);
  await rm(hook);
  await expectCleanFileSystem(join(cluster.work, 'hooked.raw'));
  const { stdout } = await execute(['/usr/sbin/debugfs', '-R', 'cat /numbers', join(cluster.work, 'hooked.raw')], {});
  assert.equal(stdout.trimEnd().split('\n').length, 200_000);
});

test('a disk whose job was killed is taken by the next one, with what had been flushed', async () => {
  const lines = ['echo kept > /data/file', 'sync /data/file', 'touch synced', 'sleep 1000'];
  const id = await submit('killed.sh', `${base},disk=killed.raw:64M`, lines);
  await cluster.appears('synced');
  assert.equal((await cluster.run(['qdel', '-W', '0', id])).code, 0);
  await cluster.wait(id);
  const { stdout, stderr, exitStatus } = await runJob('next.sh', `${base},disk=killed.raw`, ['cat /data/file']);
  assert.deepEqual([stdout, stderr, exitStatus], ['kept\n', '', 0]);
  await expectCleanFileSystem(join(cluster.work, 'killed.raw'));
});

test('a disk that holds something else than a file system is refused, and left as it was', async () => {
  const content = Buffer.alloc(64 * 1024 ** 2, 'data');
  await writeFile(join(cluster.work, 'other.raw'), content);
  await chmod(join(cluster.work, 'other.raw'), 0o666);
  const { stdout, stderr, exitStatus } = await runJob('other.sh', `${base},disk=other.raw`, ['echo ran']);
  assert.match(
    stderr,
    /^vtorque: Cannot use disk=".*other\.raw": it is not empty, and has no ext2, ext3 or ext4 file system\n/,
  );
  assert.deepEqual([stdout, exitStatus], ['', 242]);
  assert.ok((await readFile(join(cluster.work, 'other.raw'))).equals(content));
});

test('a file system with errors is refused, and so is a qcow2 file that leads to another file', async () => {
  const disk = join(cluster.work, 'errors.raw');
  await execute(['truncate', '-s', '64M', disk], {});
  await execute(['/usr/sbin/mkfs.ext4', '-q', '-F', disk], {});
  await execute(['/usr/sbin/debugfs', '-w', '-R', 'ssv state 3', disk], {});
  await chmod(disk, 0o666);
  const { stderr, exitStatus } = await runJob('errors.sh', `${base},disk=errors.raw`, ['echo ran']);
  assert.match(
    stderr,
    /^vtorque: Cannot trust disk=".*errors\.raw": its file system had errors before the script ran\n/,
  );
  assert.equal(exitStatus, 242);
  const args = ['create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', disk, join(cluster.work, 'over.qcow2')];
  await execute(['qemu-img', ...args], {});
  await chmod(join(cluster.work, 'over.qcow2'), 0o666);
  await assert.rejects(submit('over.sh', `${base},disk=over.qcow2`, ['echo ran']), /it has a backing file/);
});

test('fs_type=ramdisk keeps what changes in the image in memory, and says when that is full', async () => {
  const config = join(site, 'small.toml');
  await writeFile(config, '[storage]\nramdisk = "64M"\n');
  const request = 'img=debian-12,vcpus=1,ram=512M,fs_type=ramdisk';
  const write = (name: string, lines: readonly string[]) =>
    submit(name, request, lines, '-v', `VTORQUE_CONFIG=${config}`);
  const lines = ['head -c 10M /dev/urandom > /var/tmp/file', 'sync', 'stat -c %s /var/tmp/file', 'touch wrote'];
  const id = await write('in-ram.sh', [...lines, 'while [ ! -e looked ]; do sleep 0.1; done']);
  await cluster.appears('wrote');
  const [{ pid }] = await processesOf(cluster.user, /^qemu-system/);
  const open = await execute(['sh', '-c', `for fd in /proc/${pid}/fd/*; do readlink "$fd"; done`], {});
  assert.match(open.stdout, /^\/dev\/shm\/.*\(deleted\)$/m);
  assert.doesNotMatch(open.stdout, /^\/(var\/)?tmp\/vl\./m);
  await writeFile(join(cluster.work, 'looked'), '');
  const { stdout, stderr, exitStatus } = await cluster.wait(id);
  assert.deepEqual([stdout.toString(), stderr.toString(), exitStatus], [`${10 * 1024 ** 2}\n`, '', 0]);

  const full = await cluster.wait(
    await write('full.sh', ['head -c 100M /dev/urandom > /var/tmp/file; sync; sleep 100']),
  );
  assert.match(
    full.stderr.toString(),
    /^vtorque: Cannot go on: the 64M of memory are full that fs_type=ramdisk has for what guest "vnode1-1" writes to its system\n/,
  );
  assert.equal(full.exitStatus, 246);
});

test('a job begins in the directory of -d, and knows that of -w, in an image too', async () => {
  const folder = join(cluster.work, 'chosen');
  await cluster.run(['mkdir', folder]);
  const script = '#!/bin/bash\npwd\necho "$PBS_O_WORKDIR"\necho x > here\n';
  for (const image of ['host', 'debian-12']) {
    const vm = `img=${image},vcpus=1,ram=512M`;
    const id = await cluster.submit(['-d', folder, '-w', folder, '-vm', vm], script, 'chosen.sh');
    const { stdout, exitStatus } = await cluster.wait(id);
    assert.deepEqual([stdout.toString(), exitStatus], [`${folder}\n${folder}\n`, 0]);
    assert.equal(await readFile(join(folder, 'here'), 'utf8'), 'x\n');
    await rm(join(folder, 'here'));
  }
});

test('the limits of the job hold in its guests, soft and hard ones, and its umask, over ssh too', async () => {
  const ask = 'ulimit -S -a; ulimit -H -a; umask';
  const bare = await cluster.submit(['-l', 'nodes=1:ppn=2'], `#!/bin/bash\n${ask}\n`, 'bare.sh');
  const onNode = (await cluster.wait(bare)).stdout.toString();
  const lines = [ask, 'echo ---', `ssh vnode1-2 '${ask}'`];
  const { stdout, stderr } = await runJob('limits.sh', `${base},vms_per_node=2`, lines);
  const withoutPipes = (text: string): string => text.replaceAll(/^pipe size.*$/gm, '');
  assert.match(onNode, /^open files/m);
  const [first, second] = stdout.split('---\n').map(withoutPipes);
  assert.deepEqual([first, second], [withoutPipes(onNode), withoutPipes(onNode)], stderr);
});

test('of several VMs on a node the first alone has the disk, and each has its own memory for its changes', async () => {
  const request = 'img=debian-12,vms_per_node=2,vcpus=1,ram=256M,disk=first.raw:64M,fs_type=ramdisk';
  const lines = ['echo kept > /data/file', 'touch two', 'while [ ! -e seen ]; do sleep 0.1; done'];
  const id = await submit('two.sh', request, lines, '-l', 'nodes=1:ppn=2');
  await cluster.appears('two');
  const machines = (await processesOf(cluster.user, /^qemu-system/)).map(({ args }) => args.join(' '));
  const having = (word: string): number => machines.filter((line) => line.includes(word)).length;
  assert.deepEqual([having('serial=vtorque-data'), having('node-name=room')], [1, 2]);
  await writeFile(join(cluster.work, 'seen'), '');
  const { stderr, exitStatus } = await cluster.wait(id);
  assert.deepEqual([stderr.toString(), exitStatus], ['', 0]);
  await expectCleanFileSystem(join(cluster.work, 'first.raw'));
});
