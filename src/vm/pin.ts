import { bindThreads } from '../process/index.ts';
import type { QmpClient } from './qmp.ts';
import type { VmSpec } from './spec.ts';

/**
 * Bind the threads of a machine whose guest does not run yet: what that touches first is then in memory that is near.
 * @throws VtorqueError `E_PINNING`, `E_QMP`
 */
export async function pin({ placement }: VmSpec, pid: number, qmp: QmpClient): Promise<void> {
  if (placement?.pins === undefined) return;
  const { vcpus, others } = placement.pins;
  const threads = readThreads(await qmp.execute('query-cpus-fast'));
  const bindings = vcpus.map((cpu, vcpu) => {
    const thread = threads.get(vcpu);
    if (thread === undefined) throw new Error(`QEMU has no thread for virtual CPU ${vcpu}`);
    return { thread, cpus: [cpu] };
  });
  await bindThreads(pid, bindings, others);
}

/** The threads of the virtual CPUs, as QEMU tells them. */
function readThreads(answer: unknown): Map<number, number> {
  const cpus = answer as readonly { readonly 'cpu-index': number; readonly 'thread-id': number }[];
  return new Map(cpus.map((cpu) => [cpu['cpu-index'], cpu['thread-id']]));
}
