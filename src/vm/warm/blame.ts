import { VtorqueError } from '../../base/index.ts';
import type { ProcessEnd } from '../../process/index.ts';

/** What `bound` ends with in place of a program that it cannot start. */
const notStarted: readonly (number | null)[] = [126, 127];

/**
 * Whether what a machine failed with says something about its template. That somebody has killed QEMU does not, nor that a program is missing on the
 * node: the next machine may start from it. Pure.
 */
export function blamesTemplate(error: unknown): boolean {
  if (!(error instanceof VtorqueError)) return true;
  // A maker is at work; there is no QEMU.
  if (error.code === 'E_LOCKED' || error.code === 'E_SPAWN') return false;
  if (error.code !== 'E_VM_START' || error.cause === undefined) return true;
  const { code, signal } = error.cause as ProcessEnd;
  return signal !== 'SIGKILL' && !notStarted.includes(code);
}
