import type { Places } from '../../site/index.ts';

export type Severity = 'ok' | 'warning' | 'error';

/** What one look at the machine has found. */
export interface Finding {
  /** What was looked at: `accelerator`. */
  readonly check: string;
  readonly severity: Severity;
  /** In words for a person, without a full stop. */
  readonly text: string;
  /** What to do about it; with every warning and error. */
  readonly remedy?: string;
}

export type Role = 'head' | 'node';

export interface DoctorDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly gid: number;
  readonly places: readonly Places[];
  /** Where Torque keeps its files on this machine. */
  readonly torqueHome: string;
}

/** One look at the machine. It throws nothing that a person could act on: that is a finding. */
export interface Check {
  readonly name: string;
  readonly roles: readonly Role[];
  run(deps: DoctorDeps): Promise<readonly Omit<Finding, 'check'>[]>;
}

type Found = Omit<Finding, 'check'>;

export function fine(text: string): Found {
  return { severity: 'ok', text };
}

export function warning(text: string, remedy: string): Found {
  return { severity: 'warning', text, remedy };
}

export function error(text: string, remedy: string): Found {
  return { severity: 'error', text, remedy };
}

/** The user that has no rights at all. */
const NOBODY = 65534;

/** As whom to try what ordinary users may do: what root may says nothing of that. */
export function ordinaryUser({ uid, gid }: Pick<DoctorDeps, 'uid' | 'gid'>): readonly [uid: number, gid: number] {
  return uid === 0 ? [NOBODY, NOBODY] : [uid, gid];
}
