import { formatRanges, VtorqueError } from '../base/index.ts';
import { pinProgram } from './native/build.ts';
import { run } from './run.ts';

/** A thread and the CPUs on which it may run. */
export interface ThreadBinding {
  /** The kernel's number of the thread. */
  readonly thread: number;
  readonly cpus: readonly number[];
}

/**
 * Bind the threads of a process of this user to CPUs, all of them with one program that takes a millisecond.
 * @param others CPUs for all threads that `bindings` does not name; later ones have those of the thread that starts them
 * @throws VtorqueError `E_PINNING` with the kernel's reason
 */
export async function bindThreads(
  pid: number,
  bindings: readonly ThreadBinding[],
  others: readonly number[],
): Promise<void> {
  const words = bindings.map(({ thread, cpus }) => `${thread}=${formatRanges(cpus)}`);
  const { code, said, ending } = await run([pinProgram, String(pid), formatRanges(others), ...words]);
  if (code === 0) return;
  const why = said[0]?.replace(/^Cannot bind thread /, 'thread ') ?? ending;
  throw new VtorqueError('E_PINNING', `Cannot pin the threads of process ${pid}: ${why}`, {
    hint: 'Ask for vcpu_pinning=false',
    phase: 'vm-start',
  });
}
