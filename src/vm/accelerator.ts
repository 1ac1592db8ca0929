import { constants } from 'node:fs';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf, VtorqueError } from '../base/index.ts';
import { qemuIdentity } from './program.ts';
import type { Accelerator, VmSpec } from './spec.ts';

export interface AcceleratorChoice {
  readonly accelerator: Accelerator;
  /** Why, in words for a person. */
  readonly reason: string;
}

export interface ProbeDeps {
  /** Directories with remembered results; the last one is written to. */
  readonly caches: readonly string[];
  /** Kernel and initial RAM disk for the probe's guest. */
  readonly kernel: string;
  readonly initrd: string;
  /** Where QEMU is looked for. */
  readonly path: string;
  /** Boots a guest and returns when it has answered; throws when it does not. */
  readonly boot: (spec: VmSpec) => Promise<void>;
  /** Aborted when nobody wants the answer any more. */
  readonly signal?: AbortSignal | undefined;
  /** The device to ask for; tests give another. */
  readonly device?: string;
}

interface Remembered extends AcceleratorChoice {
  readonly key: string;
  /** Milliseconds since 1970; without it as long as the key holds. */
  readonly until?: number;
}

/**
 * For how long a guest that did not answer counts. It may hang with KVM, as on nested hosts, and each further trial costs
 * a job ten seconds; or the node was only busy, and then it must not be without KVM until its next boot.
 */
const rememberSilenceMs = 3_600_000;

/**
 * Choose KVM if a guest really boots with it, QEMU's translator otherwise.
 * That /dev/kvm opens proves nothing: on nested hosts it may hang or abort its guests. So the first job on a node
 * boots a tiny guest; the result is kept until the node or its QEMU changes, a mere silence for an hour.
 * @throws the signal's reason
 */
export async function chooseAccelerator(deps: ProbeDeps): Promise<AcceleratorChoice> {
  const known = await knownAccelerator(deps);
  if (known !== undefined) return known;
  const { silent, ...choice } = await probe(deps);
  const cache = deps.caches.at(-1);
  if (cache === undefined) return choice;
  // A home that is full or read-only costs the next job another probe, and nothing else.
  await remember(join(cache, resultFile()), {
    ...choice,
    ...(silent ? { until: Date.now() + rememberSilenceMs } : {}),
    key: await probeKey(deps),
  }).catch(() => {});
  return choice;
}

/** What `chooseAccelerator` would choose, as far as that is known without booting a guest. */
export async function knownAccelerator({
  device = '/dev/kvm',
  ...deps
}: Omit<ProbeDeps, 'boot'>): Promise<AcceleratorChoice | undefined> {
  try {
    await access(device, constants.R_OK | constants.W_OK);
  } catch (cause) {
    return { accelerator: 'tcg', reason: `${device} cannot be used: ${messageOf(cause)}` };
  }
  const key = await probeKey(deps);
  for (const cache of deps.caches) {
    const known = await recall(join(cache, resultFile()));
    if (known?.key === key && (known.until ?? Number.POSITIVE_INFINITY) > Date.now())
      return { accelerator: known.accelerator, reason: known.reason };
  }
  return undefined;
}

function resultFile(): string {
  return `accelerator.${hostname()}.json`;
}

/** Another boot of the node, another QEMU or another kernel may behave otherwise. */
async function probeKey({ kernel, path }: Pick<ProbeDeps, 'kernel' | 'path'>): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  return [boot.trim(), (await qemuIdentity(path)) ?? 'no qemu', kernel].join(' ');
}

async function probe({ boot, kernel, initrd, signal }: ProbeDeps): Promise<AcceleratorChoice & { silent: boolean }> {
  const spec: VmSpec = {
    name: 'kvm-probe',
    vcpus: 1,
    ram: 128 * 1024 ** 2,
    accelerator: 'kvm',
    boot: { kind: 'direct', kernel, initrd },
    shares: [],
  };
  try {
    await boot(spec);
    return { accelerator: 'kvm', reason: 'a guest booted with it', silent: false };
  } catch (error) {
    // A job that was cancelled meanwhile has learnt nothing about the node.
    signal?.throwIfAborted();
    const silent = error instanceof VtorqueError && error.code === 'E_GUEST_TIMEOUT';
    return { accelerator: 'tcg', reason: `a guest did not boot with KVM: ${messageOf(error)}`, silent };
  }
}

async function recall(path: string): Promise<Remembered | undefined> {
  try {
    const { key, accelerator, reason, until } = JSON.parse(await readFile(path, 'utf8')) as Partial<Remembered>;
    const known = accelerator === 'kvm' || accelerator === 'tcg';
    if (!known || typeof key !== 'string') return undefined;
    return { key, accelerator, reason: String(reason), ...(typeof until === 'number' ? { until } : {}) };
  } catch {
    return undefined; // None yet, or not readable: the probe is repeated.
  }
}

async function remember(path: string, result: Remembered): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  try {
    await writeFile(temporary, JSON.stringify(result));
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
