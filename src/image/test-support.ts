import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Places } from '../site/index.ts';
import { type KernelRecord, MODULES, RECORD, VMLINUX } from './kernel/store.ts';
import { MANIFEST } from './manifest.ts';
import type { CloudImageManifest, DirectImageManifest, ImageManifest } from './types.ts';
import { USE_LOCK } from './use-lock.ts';

/** A directory for one test, with the places of an installation in it. */
export async function aSite(): Promise<AsyncDisposable & { readonly dir: string; readonly places: Places }> {
  const dir = await mkdtemp(join(tmpdir(), 'vtorque-site-'));
  const places = { data: join(dir, 'data'), cache: join(dir, 'cache'), state: join(dir, 'state') };
  return { dir, places, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}

/** An unpacked kernel whose files have the right names, in a directory named by its release. */
export async function aKernel(dir: string, change: { readonly format?: number } = {}): Promise<void> {
  await mkdir(join(dir, MODULES), { recursive: true });
  await writeFile(join(dir, VMLINUX), `kernel of ${dir}`);
  for (const file of ['virtio.ko', 'ext4.ko']) await writeFile(join(dir, MODULES, file), `module ${file}`);
  const record = {
    format: 1,
    release: basename(dir),
    package: `linux-image-${basename(dir)}`,
    version: '1.0-1',
    arch: 'amd64',
    created: '2026-01-01T00:00:00.000Z',
    groups: { base: ['virtio.ko'], '9p': [], virtiofs: [], overlay: [], disk: ['virtio.ko', 'ext4.ko'], net: [] },
    ...change,
  } as KernelRecord;
  await writeFile(join(dir, RECORD), JSON.stringify(record));
}

const DISK_BYTES = 'bytes of a disk';

export function aManifest(change: Partial<DirectImageManifest> = {}): DirectImageManifest {
  return {
    format: 1,
    name: 'debian-12',
    description: 'Debian 12',
    distro: 'debian',
    release: '12',
    arch: 'amd64',
    created: '2026-01-01T00:00:00.000Z',
    disk: {
      file: 'disk.qcow2',
      format: 'qcow2',
      sha256: createHash('sha256').update(DISK_BYTES).digest('hex'),
      size: DISK_BYTES.length,
      virtualSize: 8 * 1024 ** 3,
    },
    boot: 'direct',
    kernel: { release: '6.1.0-1-amd64', dir: 'kernel' },
    root: { device: '/dev/vda', type: 'ext4' },
    init: 'agent',
    ...change,
  };
}

export function aCloudManifest(change: Partial<CloudImageManifest> = {}): CloudImageManifest {
  const { kernel: _, root: __, ...common } = aManifest();
  const origin = { file: 'cloud.vmdk', format: 'vmdk', sha256: '0'.repeat(64) };
  return { ...common, name: 'cloud', boot: 'disk', init: 'system', origin, ...change };
}

/** An image directory in `pool`. */
export async function anImage(pool: string, manifest: ImageManifest = aManifest()): Promise<string> {
  const dir = join(pool, manifest.name);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, manifest.disk.file), DISK_BYTES);
  await writeFile(join(dir, USE_LOCK), '');
  if (manifest.boot === 'direct') await aKernel(join(dir, manifest.kernel.dir));
  await writeFile(join(dir, MANIFEST), JSON.stringify(manifest));
  return dir;
}
