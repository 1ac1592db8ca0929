import type { Phase } from '../base/index.ts';

/**
 * Exit codes of a job whose script could not be run to its end. They lie where scripts seldom end, and the job's
 * standard error says "vtorque:" and the phase, so that a failure of ours is not taken for the script's.
 */
const codes: Readonly<Record<Phase, number>> = {
  check: 240,
  submit: 240,
  plan: 241,
  storage: 242,
  network: 243,
  'vm-start': 244,
  guest: 245,
  script: 246,
  'tear-down': 247,
};

/** For a bug of ours, or an error that names no phase. */
const internalFailure = 248;

export function exitCodeOfPhase(phase: Phase | undefined): number {
  return phase === undefined ? internalFailure : codes[phase];
}
