import { join } from 'node:path';
import type { Places } from '../../site/index.ts';
import { ensureInitrd, initrdName, initrdsIn } from '../initrd/ensure.ts';
import { ensureGuestKernel } from '../kernel/ensure.ts';
import { findKernel, kernelsIn } from '../kernel/store.ts';
import { type Progress, runStage } from '../progress.ts';
import { whyNotTrusted } from '../trust.ts';
import type { GuestKernel } from '../types.ts';

export interface PrepareOptions {
  /** Where to look, first match wins. */
  readonly places: readonly Places[];
  /** Where this process writes. */
  readonly own: Places;
  readonly uid: number;
  /** Path of the guest agent. */
  readonly agent: string;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Make again what is there, with what the package servers have now. */
  readonly force?: boolean;
}

export interface PreparedBoot {
  readonly kernel: GuestKernel;
  /** Absolute path. */
  readonly initrd: string;
}

/**
 * See that guest `host` can boot: that there is a kernel, and the initial RAM disk for it and this agent.
 * @throws as `ensureGuestKernel` and `ensureInitrd`
 */
export async function prepareHost(options: PrepareOptions): Promise<PreparedBoot> {
  const kernel = await prepareKernel(options);
  return { kernel, initrd: await prepareInitrd(kernel, options) };
}

/** A kernel that root or the user has, or a new one in the user's own place. */
export async function prepareKernel({
  places,
  own,
  uid,
  progress,
  signal,
  force,
}: PrepareOptions): Promise<GuestKernel> {
  const found = force ? undefined : await findKernel(places, uid);
  return found ?? ensureGuestKernel({ dir: kernelsIn(own), progress, signal, refresh: force ?? false });
}

/** The initial RAM disk for a kernel, root's or the user's own. @returns its path */
export async function prepareInitrd(kernel: Pick<GuestKernel, 'dir'>, options: PrepareOptions): Promise<string> {
  const { places, own, uid, agent, progress, signal } = options;
  const name = await initrdName(kernel.dir, agent);
  for (const place of places) {
    const path = join(initrdsIn(place), name);
    if ((await whyNotTrusted(path, uid)) === undefined) return path;
  }
  return runStage(progress, 'initial RAM disk', () => ensureInitrd({ kernel, agent, dir: initrdsIn(own), signal }));
}
