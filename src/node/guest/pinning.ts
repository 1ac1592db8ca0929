import { VtorqueError } from '../../base/index.ts';
import { bindThreads } from '../../process/index.ts';
import type { VmPlacement } from '../../vm/index.ts';

export interface Pinning {
  /** Have a process that serves a machine run where it disturbs none of its virtual CPUs, if there is such a CPU. */
  readonly bindServer: (pid: number) => Promise<void>;
  /** What is done when the threads of the machine cannot be bound. */
  readonly onNotPinned: (error: Error) => void;
}

/**
 * How the processes of a machine are bound to CPUs. Where that fails, which some containers see to, who has asked for it is told so by an
 * error, and others by the job's record.
 */
export function pinningOf(
  placement: VmPlacement | undefined,
  { asked, tell }: { readonly asked: boolean; readonly tell: (fact: string) => void },
): Pinning {
  const onNotPinned = (error: Error): void => {
    if (asked || !(error instanceof VtorqueError) || error.code !== 'E_PINNING') throw error;
    tell(`not pinned after all: ${error.message}`);
  };
  const { vcpus, others } = placement?.pins ?? { vcpus: [], others: [] };
  const apart = others.length > 0 && !others.some((cpu) => vcpus.includes(cpu));
  return {
    onNotPinned,
    bindServer: async (pid) => {
      if (apart) await bindThreads(pid, [], others).catch(onNotPinned);
    },
  };
}
