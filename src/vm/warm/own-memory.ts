import type { MemoryFile } from './line.ts';
import { memoryProgram } from './native/build.ts';

/** Far behind all that a machine gets from us. */
export const memoryFd = 60;

/** Memory of the machine's own without a name in any file system: the kernel counts it as the job's, and it ends with the machine. */
export const ownMemory: MemoryFile = { path: `/proc/self/fd/${memoryFd}`, share: true };

export interface OwnMemoryOptions {
  readonly bytes: number;
  /** What is in it from the start: a file's content. Nothing: zeros. */
  readonly from?: string;
  /** Number that the process has of the descriptor which tells that all of `from` is there. */
  readonly doneFd?: number;
}

/** The program, started so that it has `ownMemory`. */
export function withOwnMemory(
  { program, args }: { readonly program: string; readonly args: readonly string[] },
  { bytes, from = '', doneFd = -1 }: OwnMemoryOptions,
): { program: string; args: string[] } {
  return {
    program: memoryProgram,
    args: ['run', String(memoryFd), String(doneFd), String(bytes), from, program, ...args],
  };
}
