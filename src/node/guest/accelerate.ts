import { VtorqueError } from '../../base/index.ts';
import type { GuestSystem } from '../../image/index.ts';
import type { Places } from '../../site/index.ts';
import { type AcceleratorChoice, chooseAccelerator, knownAccelerator, trialBoot } from '../../vm/index.ts';
import type { NodeSettings } from './node-settings.ts';

export interface AccelerateOptions {
  readonly places: readonly Places[];
  /** Of QEMU. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What guests of this node run on.
 * @throws VtorqueError `E_ACCELERATOR_UNKNOWN` as root, who boots nothing to find out; the signal's reason
 */
export async function accelerate(
  guest: GuestSystem,
  { accelerator }: Pick<NodeSettings, 'accelerator'>,
  { places, env, signal }: AccelerateOptions,
): Promise<AcceleratorChoice> {
  if (accelerator !== 'auto') return { accelerator, reason: 'the site says so' };
  const facts = { ...trialWith(guest, places, env), signal };
  if (process.getuid?.() !== 0) return chooseAccelerator({ ...facts, boot: trialBoot(env, signal) });
  const known = await knownAccelerator(facts);
  if (known !== undefined) return known;
  throw new VtorqueError(
    'E_ACCELERATOR_UNKNOWN',
    'Cannot make a template as root: whether KVM works here is not known',
    {
      hint: 'Set vm.accelerator in the site configuration to "kvm" or "tcg", or let an ordinary user make it',
    },
  );
}

/** What the accelerator is tried with: the usual kernel of a guest, since what a kernel of the user's own does says nothing about the node. */
export function trialWith(
  guest: GuestSystem,
  places: readonly Places[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly caches: string[]; readonly kernel: string; readonly initrd: string; readonly path: string } {
  const { kernel, initrd } = guest.kind === 'cloud' ? guest.probe : (guest.probe ?? guest);
  return { caches: places.map(({ cache }) => cache), kernel, initrd, path: env.PATH ?? '/usr/bin:/bin' };
}
