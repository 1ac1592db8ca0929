import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import { lockFile, makeReadableDirectory } from '../../process/index.ts';
import type { Places } from '../../site/index.ts';
import { KERNEL_FORMAT, type KernelRecord, MODULES, readKernelRecord } from '../kernel/store.ts';
import { publishFile, sweep } from '../publish.ts';
import type { GuestKernel } from '../types.ts';
import { initrdEntries } from './contents.ts';
import { cpio } from './cpio.ts';

export interface InitrdOptions {
  readonly kernel: Pick<GuestKernel, 'dir'>;
  /** Path of the guest agent, a statically linked program. */
  readonly agent: string;
  /** Where initial RAM disks are kept, `<cache>/initrd`. */
  readonly dir: string;
  readonly signal?: AbortSignal | undefined;
}

/** Raised when the layout inside the RAM disk changes. */
const INITRD_FORMAT = 1;
const LOCK_WAIT_MS = 60_000;
const KEEP_MS = 30 * 24 * 3600 * 1000;

export function initrdsIn(place: Places): string {
  return join(place.cache, 'initrd');
}

/**
 * See that there is the initial RAM disk for this kernel and this agent.
 * @returns its absolute path; the file's name contains a digest of all that it is made of
 * @throws VtorqueError `E_KERNEL_FORMAT`, `E_AGENT_MISSING`, `E_LOCKED`
 */
export async function ensureInitrd({ kernel, agent, dir, signal }: InitrdOptions): Promise<string> {
  const { record, bytes, name } = await inputs(kernel.dir, agent);
  const path = join(dir, name);
  if (await isFile(path)) return path;
  await makeReadableDirectory(dir);
  await using _lock = await lockFile(join(dir, '.lock'), { waitMs: LOCK_WAIT_MS, signal });
  if (await isFile(path)) return path;
  await sweep(dir);
  const modules = new Map<string, Uint8Array>();
  for (const file of new Set(Object.values(record.groups).flat())) {
    modules.set(file, await readFile(join(kernel.dir, MODULES, file)));
  }
  const archive = cpio(initrdEntries({ agent: bytes, modules, groups: record.groups }));
  await publishFile(path, (fresh) => writeFile(fresh, archive));
  await removeUnused(dir, name);
  return path;
}

/**
 * The name of the file that `ensureInitrd` makes of this kernel and agent.
 * @throws as `ensureInitrd`
 */
export async function initrdName(kernelDir: string, agent: string): Promise<string> {
  return (await inputs(kernelDir, agent)).name;
}

async function inputs(
  kernelDir: string,
  agent: string,
): Promise<{ record: KernelRecord; bytes: Buffer; name: string }> {
  const record = await readKernelRecord(kernelDir);
  if (record === undefined) {
    throw new VtorqueError(
      'E_KERNEL_FORMAT',
      `Cannot use the kernel in "${kernelDir}": its record is missing or not ours`,
      {
        hint: 'Make it again with: vtorque image build host',
      },
    );
  }
  const bytes = await readAgent(agent);
  // The package's version stands for the modules' bytes.
  const facts = [INITRD_FORMAT, KERNEL_FORMAT, record.release, record.package, record.version, record.groups];
  const digest = createHash('sha256').update(JSON.stringify(facts)).update('\0').update(bytes).digest('hex');
  return { record, bytes, name: `${record.release}-${digest.slice(0, 16)}.cpio` };
}

/**
 * The bytes of the guest agent.
 * @throws VtorqueError `E_AGENT_MISSING`
 */
export async function readAgent(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new VtorqueError('E_AGENT_MISSING', `Cannot read the guest agent "${path}": ${cause.code}`, {
      hint: 'It is built by the set-up of this checkout: run npm test or npm run demo once',
      cause,
    });
  });
}

/** Remove RAM disks of other kernels and agents that no QEMU has read for a month. */
async function removeUnused(dir: string, keep: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (name === keep || !name.endsWith('.cpio')) continue;
    const path = join(dir, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts === undefined || Date.now() - Math.max(facts.atimeMs, facts.mtimeMs) < KEEP_MS) continue;
    await rm(path, { force: true });
  }
}

async function isFile(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() ?? false;
}
