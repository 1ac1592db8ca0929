import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { formatRanges, VtorqueError } from '../base/index.ts';
import { pinProgram } from './native/build.ts';

/** A thread and the CPUs on which it may run. */
export interface ThreadBinding {
  /** The kernel's number of the thread. */
  readonly thread: number;
  readonly cpus: readonly number[];
}

const withinMs = 10_000;

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
  try {
    await promisify(execFile)(pinProgram, [String(pid), formatRanges(others), ...words], {
      timeout: withinMs,
      killSignal: 'SIGKILL',
    });
  } catch (cause) {
    const { stderr = '', code } = cause as { stderr?: string; code?: unknown };
    const said = stderr.trim().replace(/^Cannot bind thread /, 'thread ');
    const why = said || (code === 'ENOENT' ? `"${pinProgram}" is not there` : `no answer in ${withinMs / 1000} s`);
    throw new VtorqueError('E_PINNING', `Cannot pin the threads of process ${pid}: ${why}`, {
      hint: 'Ask for vcpu_pinning=false',
      phase: 'vm-start',
      cause,
    });
  }
}
