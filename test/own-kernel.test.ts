// Guests that boot a kernel of the user's own.
import assert from 'node:assert/strict';
import { chmod, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findKernel } from '../src/image/index.ts';
import { placesToRead } from '../src/site/index.ts';
import { execute } from './support/cluster.ts';
import { aFolder } from './support/folder.ts';
import { ensureImage } from './support/images.ts';
import { processesOf } from './support/processes.ts';
import { useCluster } from './support/use-cluster.ts';

/** Unpacked kernel packages: `full/boot`, `full/lib/modules`; the other one has no 9p. */
let trees: string;
let full: string;
let lean: string;

const cluster = useCluster({
  np: 1,
  beforeStart: () => ensureImage('debian-12'),
  around: async (ending) => {
    trees = await aFolder('kernels', ending);
    const uid = process.getuid?.() ?? 0;
    const usual = await findKernel(placesToRead(process.env, uid), uid);
    assert.ok(usual, 'the set-up has made no guest kernel');
    full = await unpack(join(usual.dir, 'package.deb'), 'full');
    lean = await unpack(await downloadLeanKernel(), 'lean');
  },
});

async function must(command: readonly string[], cwd = trees): Promise<string> {
  const { code, stdout, stderr } = await execute(command, { cwd, env: process.env });
  assert.equal(code, 0, `${command.join(' ')}: ${stderr}`);
  return stdout;
}

/** @returns path of the kernel's file */
async function unpack(deb: string, name: string): Promise<string> {
  const tree = join(trees, name);
  await must(['dpkg-deb', '--extract', deb, tree]);
  const [release = ''] = await readdir(join(tree, 'lib/modules'));
  await must(['depmod', '-b', tree, release]);
  return join(tree, 'boot', `vmlinuz-${release}`);
}

/** The distribution's kernel for clouds: its release is another one, and it has virtiofs, but not 9p. */
async function downloadLeanKernel(): Promise<string> {
  const dir = join(trees, 'download');
  await must(['mkdir', '-m', '777', dir]);
  const depends = await must(['apt-cache', 'depends', 'linux-image-cloud-amd64']);
  const [, name = ''] = /Depends: (linux-image-\S+)/.exec(depends) ?? [];
  await must(['apt-get', 'download', '-q', name], dir);
  const [file = ''] = await readdir(dir);
  return join(dir, file);
}

async function runJob(
  request: string,
  lines: readonly string[],
  { options = [] }: { readonly options?: readonly string[] } = {},
) {
  const id = await cluster.submit(
    [...options, '-vm', `vcpus=1,ram=512M,${request}`],
    ['#!/bin/bash', ...lines, ''].join('\n'),
    'kernel.sh',
  );
  return cluster.wait(id);
}

async function refused(request: string): Promise<string> {
  await writeFile(join(cluster.work, 'refused.sh'), '#!/bin/sh\necho ran\n');
  const { stdout, stderr, code } = await cluster.run(['vsub', '-vm', request, 'refused.sh']);
  assert.deepEqual([stdout, code], ['', 1]);
  return stderr;
}

test("the node's system boots a kernel that is named by a relative path, with the modules beside it", async () => {
  await symlink(full, join(cluster.work, 'my-kernel'));
  const script = [
    '#!/bin/bash',
    'cd "$PBS_O_WORKDIR"',
    'echo > running',
    'while [ ! -e go ]; do sleep 0.2; done',
    'uname -r',
    '',
  ];
  const id = await cluster.submit(
    ['-vm', 'img=host,vcpus=1,ram=512M,warm=off,kernel=my-kernel'],
    script.join('\n'),
    'own.sh',
  );
  await cluster.appears('running');
  const [qemu] = await processesOf(cluster.user, /^qemu-system/);
  assert.match(await readFile(`/proc/${qemu.pid}/cmdline`, 'utf8'), /\0-kernel\0[^\0]*\/own-kernel\/[^\0]*\/vmlinux\0/);
  await writeFile(join(cluster.work, 'go'), '');
  const { stdout, stderr, exitStatus } = await cluster.wait(id);
  assert.deepEqual(
    [`vmlinuz-${stdout.toString().trim()}`, stderr.toString(), exitStatus],
    [full.split('/').at(-1), '', 0],
  );
});

test('an image that was built here boots a kernel of another release, and its shares and network work', async () => {
  const lines = ['uname -r', 'cd "$PBS_O_WORKDIR" && echo written > file && cat file', 'ls /sys/class/net'];
  const { stdout, stderr, exitStatus } = await runJob(`img=debian-12,kernel=${lean}`, lines);
  const [release, written, ...devices] = stdout.toString().trim().split('\n');
  assert.deepEqual(
    [`vmlinuz-${release}`, written, stderr.toString(), exitStatus],
    [lean.split('/').at(-1), 'written', '', 0],
  );
  assert.deepEqual(devices, ['eth0', 'lo']);
});

test('a kernel without the driver that the folders need ends the job before its VM starts, with the reason', async () => {
  const config = join(trees, 'config.toml');
  await writeFile(config, '[storage]\ntransport = "9p"\n');
  const { stdout, stderr, exitStatus } = await runJob(`img=debian-12,kernel=${lean}`, ['echo ran'], {
    options: ['-v', `VTORQUE_CONFIG=${config}`],
  });
  assert.match(stderr.toString(), /^vtorque: Cannot use kernel=".*": it has no driver for 9p\n {2}phase: storage/);
  assert.deepEqual([stdout.toString(), exitStatus], ['', 242]);
});

test('what cannot boot is refused before it is submitted', async () => {
  assert.match(
    await refused(`img=host,kernel=${lean}`),
    /^vsub: Cannot use kernel=".*": no module "9p" in ".*", nor built in\n {2}hint: This guest needs/,
  );
  assert.match(
    await refused('img=host,kernel=/etc/passwd'),
    /^vsub: Cannot use kernel="\/etc\/passwd": it is no Linux kernel\n/,
  );
  assert.match(
    await refused('img=debian-12,kernel=nosuch'),
    /^vsub: Cannot use kernel=".*\/nosuch": there is no such file, or it is closed to you\n/,
  );
  const alone = join(trees, 'vmlinuz-alone');
  await must(['cp', full, alone]);
  await chmod(alone, 0o666);
  assert.match(await refused(`img=host,kernel=${alone}`), /: ".*" may be written by others \(mode 666\)\n/);
});
