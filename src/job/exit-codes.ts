import { type Phase, VtorqueError } from '../base/index.ts';

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

/** By the error's code, where what is to be done next depends on it: batch systems may be told to run such a job again. */
export const codesOfErrors = { E_PROLOGUE_REFUSED: 249, E_PROLOGUE_FAILED: 250 } as const;

/** The exit code of a job that failed with this error, whatever was thrown. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof VtorqueError)) return internalFailure;
  const { code, phase } = error;
  return code in codesOfErrors ? codesOfErrors[code as keyof typeof codesOfErrors] : exitCodeOfPhase(phase);
}
