import { type Phase, VtorqueError } from '../base/index.ts';
import { describeEnd, type ProcessEnd } from '../process/index.ts';

/**
 * The error of a guest that ended although its job had not. Pure.
 * @param console the last lines of its console
 */
export function guestLost(guest: string, phase: Phase, end: ProcessEnd, console: readonly string[]): VtorqueError {
  return new VtorqueError('E_GUEST_LOST', `Cannot go on: guest "${guest}" ended ${describeEnd(end)} during the job`, {
    ...{ phase, hint: hintFor(end, console), details: console },
  });
}

function hintFor({ code, signal }: ProcessEnd, console: readonly string[]): string {
  if (signal !== null)
    return 'Somebody killed QEMU, or the memory limit of the job is too small for the guest and QEMU';
  if (console.some((line) => line.includes('Kernel panic'))) return 'Its kernel crashed: see the console lines';
  if (code === 0) return 'It was shut down or restarted from inside; a guest that restarts ends';
  return 'QEMU failed: see the console lines';
}
