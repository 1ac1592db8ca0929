import type { VmSpec } from './spec.ts';

/** A machine that boots a kernel directly, and has nothing of a job. */
export function aSpec(changes: Partial<VmSpec> = {}): VmSpec {
  return {
    name: 'vnode1-1',
    vcpus: 2,
    ram: 512 * 1024 ** 2,
    accelerator: 'tcg',
    boot: { kind: 'direct', kernel: '/k/vmlinux', initrd: '/k/initrd.cpio' },
    shares: [],
    ...changes,
  };
}
