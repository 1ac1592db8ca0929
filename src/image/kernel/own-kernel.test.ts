import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { aKernel, aSite } from '../test-support.ts';
import { modulesFor, readOwnKernel } from './own-file.ts';
import { ensureOwnKernel } from './own-kernel.ts';
import { anElf } from './test-elf.ts';

const uid = process.getuid?.() ?? 0;
const all = ['virtio_pci', 'virtio_console', 'virtio-rng', '9p', '9pnet_virtio', 'virtiofs', 'overlay'];
const ofDisk = ['virtio_blk', 'ext4', 'virtio_net'];

/** An uncompressed kernel that QEMU can start, with its modules beside it. */
async function aTree(dir: string, { release = '6.9.0-mine', modules = [...all, ...ofDisk] } = {}): Promise<string> {
  const boot = join(dir, 'boot');
  const tree = join(dir, 'lib/modules', release);
  await mkdir(boot, { recursive: true });
  await mkdir(join(tree, 'kernel'), { recursive: true });
  for (const name of modules) await writeFile(join(tree, 'kernel', `${name}.ko`), `module ${name}`);
  await writeFile(join(tree, 'modules.dep'), modules.map((name) => `kernel/${name}.ko:\n`).join(''));
  const file = join(boot, 'vmlinux');
  await writeFile(file, Buffer.concat([anElf(), Buffer.from(`\0Linux version ${release} (me@here)\0`)]));
  return file;
}

test('a kernel is known by its release, and its modules are those beside it', async () => {
  await using site = await aSite();
  const kernel = await readOwnKernel(await aTree(site.dir), uid);
  assert.equal(kernel.release, '6.9.0-mine');
  assert.equal(kernel.modules?.dir, join(site.dir, 'lib/modules/6.9.0-mine'));
  const { groups, lacks } = modulesFor(kernel, 'host');
  assert.deepEqual([groups.overlay, lacks], [['kernel/overlay.ko'], []]);
});

test('what a guest cannot do without is refused by name, what it may lack is told', async () => {
  await using site = await aSite();
  const lean = await readOwnKernel(
    await aTree(site.dir, { modules: [...all, ...ofDisk].filter((name) => !name.startsWith('9p')) }),
    uid,
  );
  assert.deepEqual(modulesFor(lean, 'disk').lacks, ['9p']);
  assert.throws(() => modulesFor(lean, 'host'), {
    code: 'E_KERNEL_MODULES',
    phase: 'check',
    message: /no module "9p"/,
  });
  const none = { ...lean, modules: undefined };
  assert.throws(() => modulesFor(none, 'disk'), { code: 'E_KERNEL_MODULES', message: /no modules of its release/ });
  const dep = [...all, ...ofDisk].filter((name) => !/^(9p|virtiofs)/.test(name)).map((name) => `kernel/${name}.ko:\n`);
  const index = { dep: dep.join(''), softdep: '', alias: '', builtin: '' };
  assert.throws(() => modulesFor({ ...lean, modules: { dir: '/m', index } }, 'disk'), {
    message: /neither module "virtiofs" nor "9p"/,
  });
});

test('what is no kernel, or may be written by others, is refused', async () => {
  await using site = await aSite();
  const file = join(site.dir, 'text');
  await writeFile(file, '#!/bin/sh\n');
  await assert.rejects(readOwnKernel(file, uid), { code: 'E_KERNEL_FILE', message: /it is no Linux kernel/ });
  await chmod(file, 0o666);
  await assert.rejects(readOwnKernel(file, uid), { code: 'E_KERNEL_FILE', message: /may be written by others/ });
  await assert.rejects(readOwnKernel(site.dir, uid), { code: 'E_KERNEL_FILE', message: /it is no file/ });
  await assert.rejects(readOwnKernel(join(site.dir, 'none'), uid), { code: 'E_KERNEL_FILE', message: /ENOENT/ });
});

test('what is booted of a kernel is made once, and again when a module has changed; the oldest go', async () => {
  await using site = await aSite();
  const file = await aTree(site.dir);
  const options = { file, guest: 'host', place: site.places, agent: '/bin/true', uid } as const;
  const first = await ensureOwnKernel(options);
  assert.equal(first.kernelRelease, '6.9.0-mine');
  assert.deepEqual(await readFile(first.kernel), await readFile(file));
  assert.match(basename(first.initrd), /^6\.9\.0-mine-[0-9a-f]{16}\.cpio$/);
  assert.deepEqual(await ensureOwnKernel(options), first);
  const seen = new Set([first.kernel]);
  for (let size = 100; size < 106; size++) {
    await writeFile(join(site.dir, 'lib/modules/6.9.0-mine/kernel/overlay.ko'), 'x'.repeat(size));
    seen.add((await ensureOwnKernel(options)).kernel);
  }
  assert.equal(seen.size, 7);
  const left = (await readdir(join(site.places.cache, 'own-kernel'))).filter((name) => !name.startsWith('.'));
  assert.equal(left.length, 5);
});

test("a kernel of the image's own release takes the image's modules", async () => {
  await using site = await aSite();
  const file = await aTree(site.dir, { modules: [] });
  const usual = join(site.dir, 'usual/6.9.0-mine');
  await aKernel(usual);
  const made = await ensureOwnKernel({
    ...({ file, guest: 'disk', usual, place: site.places, agent: '/bin/true', uid } as const),
  });
  const modules = await readdir(join(made.kernel, '../modules'));
  assert.deepEqual(modules.toSorted(), ['ext4.ko', 'virtio.ko']);
});
