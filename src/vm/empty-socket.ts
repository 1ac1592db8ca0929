import type { VmSpec } from './spec.ts';

/**
 * Whether a machine has room for a second processor that it never gets. With room for one only, QEMU's translator leaves out the guest's memory barriers, as if
 * nobody else looked at its memory. Its devices do: a guest may then not see that a device waits to be told of more, or a device that the guest does, and both
 * wait for good (QEMU 7.2). Pure.
 */
export function hasEmptySocket({ accelerator, vcpus }: Pick<VmSpec, 'accelerator' | 'vcpus'>): boolean {
  return accelerator === 'tcg' && vcpus === 1;
}
