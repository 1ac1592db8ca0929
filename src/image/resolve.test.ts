import assert from 'node:assert/strict';
import { chmod, chown, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { imagePools } from './catalogue.ts';
import { ensureInitrd, initrdsIn } from './initrd/ensure.ts';
import { kernelsIn } from './kernel/store.ts';
import { resolveGuest } from './resolve.ts';
import { aCloudManifest, aKernel, anImage, aSite } from './test-support.ts';

const onlyRoot = process.getuid?.() === 0 ? false : 'only root can give a file to somebody else';

async function aReadySite() {
  const site = await aSite();
  const agent = join(site.dir, 'agent');
  await writeFile(agent, 'the agent');
  const options = { places: [site.places], agent };
  const hostKernel = join(kernelsIn(site.places), '6.1.0-1-amd64');
  await aKernel(hostKernel);
  const image = await anImage(imagePools([site.places])[0] ?? '');
  for (const dir of [hostKernel, join(image, 'kernel')])
    await ensureInitrd({ kernel: { dir }, agent, dir: initrdsIn(site.places) });
  return { ...site, agent, options, hostKernel, image };
}

test('resolveGuest() finds kernel and initial RAM disk of the host', async () => {
  await using site = await aReadySite();
  const guest = await resolveGuest('host', site.options);
  assert.ok(guest.kind === 'host');
  assert.equal(guest.kernel, join(site.hostKernel, 'vmlinux'));
  assert.equal(guest.kernelRelease, '6.1.0-1-amd64');
  assert.ok(guest.initrd.startsWith(initrdsIn(site.places)));
});

test('resolveGuest() finds disk, kernel and root device of an image', async () => {
  await using site = await aReadySite();
  const guest = await resolveGuest('debian-12', site.options);
  assert.ok(guest.kind === 'disk');
  assert.deepEqual(guest.disk, {
    path: join(site.image, 'disk.qcow2'),
    format: 'qcow2',
    useLock: join(site.image, 'use.lock'),
  });
  assert.deepEqual(guest.rootFs, { device: '/dev/vda', type: 'ext4' });
  assert.equal(guest.kernel, join(site.image, 'kernel/vmlinux'));
});

test('resolveGuest() finds disk, seed and what to try the accelerator with for an image that boots itself', async () => {
  await using site = await aReadySite();
  const dir = await anImage(imagePools([site.places])[0] ?? '', aCloudManifest());
  const guest = await resolveGuest('cloud', site.options);
  assert.ok(guest.kind === 'cloud');
  assert.deepEqual(guest.disk, { path: join(dir, 'disk.qcow2'), format: 'qcow2', useLock: join(dir, 'use.lock') });
  assert.ok(guest.seed.startsWith(join(site.places.cache, 'seed')));
  assert.equal(guest.probe.kernel, join(site.hostKernel, 'vmlinux'));
  assert.equal((await resolveGuest('cloud', site.options)).kind, 'cloud');
});

test('resolveGuest() refuses a kernel for an image that boots by its own loader', async () => {
  await using site = await aReadySite();
  await anImage(imagePools([site.places])[0] ?? '', aCloudManifest());
  await assert.rejects(resolveGuest('cloud', { ...site.options, kernel: '/boot/vmlinuz' }), {
    code: 'E_KERNEL_IMAGE',
    phase: 'check',
    message: /with image "cloud": it boots by its own loader/,
  });
});

test('resolveGuest() refuses the damaged disk of an image that was added', async () => {
  await using site = await aReadySite();
  const dir = await anImage(imagePools([site.places])[0] ?? '', aCloudManifest());
  await writeFile(join(dir, 'disk.qcow2'), 'other bytes');
  await assert.rejects(resolveGuest('cloud', site.options), {
    code: 'E_IMAGE_DAMAGED',
    hint: 'Delete it and add it again from its file',
  });
});

test('resolveGuest() says how to get a kernel when there is none', async () => {
  await using site = await aSite();
  await assert.rejects(resolveGuest('host', { places: [site.places], agent: '/bin/true' }), {
    code: 'E_GUEST_NOT_READY',
    message: 'Cannot boot guest "host": there is no guest kernel',
    hint: 'Make it ready with: vtorque image build host',
  });
});

test('resolveGuest() asks for a new initial RAM disk when the agent is another one', async () => {
  await using site = await aReadySite();
  await writeFile(site.agent, 'a newer agent');
  await assert.rejects(resolveGuest('host', site.options), {
    code: 'E_GUEST_NOT_READY',
    message: /no initial RAM disk/,
  });
});

test('resolveGuest() refuses a disk that is not the one of the manifest', async () => {
  await using site = await aReadySite();
  await resolveGuest('debian-12', site.options);
  await writeFile(join(site.image, 'disk.qcow2'), 'other bytes');
  await assert.rejects(resolveGuest('debian-12', site.options), { code: 'E_IMAGE_DAMAGED' });
});

test('resolveGuest() remembers the digest of a disk', async () => {
  await using site = await aReadySite();
  await resolveGuest('debian-12', site.options);
  assert.equal((await readdir(join(site.places.cache, 'digests'))).length, 1);
});

test('resolveGuest() boots no kernel that others may write', async () => {
  await using site = await aReadySite();
  await chmod(join(site.image, 'kernel/vmlinux'), 0o666);
  await assert.rejects(resolveGuest('debian-12', site.options), {
    code: 'E_GUEST_NOT_READY',
    message: /may be written by others/,
  });
});

test('resolveGuest() passes over a kernel of another ordinary user', { skip: onlyRoot }, async () => {
  await using site = await aReadySite();
  await chown(join(site.hostKernel, 'vmlinux'), 65534, 65534);
  await assert.rejects(resolveGuest('host', site.options), {
    code: 'E_GUEST_NOT_READY',
    message: /there is no guest kernel/,
  });
});

test('resolveGuest() boots no initial RAM disk of another ordinary user', { skip: onlyRoot }, async () => {
  await using site = await aReadySite();
  const guest = await resolveGuest('host', site.options);
  assert.ok(guest.kind === 'host');
  const { initrd } = guest;
  await chown(initrd, 65534, 65534);
  await assert.rejects(resolveGuest('host', site.options), {
    code: 'E_GUEST_NOT_READY',
    details: [`"${initrd}" belongs to uid 65534`],
  });
});
