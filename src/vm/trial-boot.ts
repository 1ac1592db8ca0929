import { startVm } from './machine.ts';
import type { VmSpec } from './spec.ts';

/** A guest that KVM can run is up long before. */
const answersWithinMs = 10_000;

/**
 * What `chooseAccelerator` boots to find out whether KVM works. Not for root, who runs no machine.
 * @returns a function that throws when the guest does not answer
 */
export function trialBoot(
  env: Readonly<Record<string, string>>,
  signal?: AbortSignal,
): (spec: VmSpec) => Promise<void> {
  return async (spec) => {
    await using _ = await startVm(spec, { readyWithinMs: answersWithinMs, env, signal });
  };
}
