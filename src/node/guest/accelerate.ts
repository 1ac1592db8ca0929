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
  const { kernel, initrd } = guest.kind === 'cloud' ? guest.probe : (guest.probe ?? guest);
  const facts = { caches: places.map(({ cache }) => cache), kernel, initrd, signal };
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
