/** Why a machine boots instead of starting from a template. */
export interface ColdBoot {
  /** In words, for the job's record. */
  readonly reason: string;
  /** `fallback`: something has failed; `cold`: it is wanted so, or there can be no template. */
  readonly how: 'cold' | 'fallback';
  /** The reason in one word, always the same and with nothing of the user in it: counters are kept by it. */
  readonly label: string;
}

/** Pure. */
export function coldBoot(label: string, reason: string): ColdBoot {
  return { how: 'cold', label, reason };
}

/** Pure. */
export function fallback(label: string, reason: string): ColdBoot {
  return { how: 'fallback', label, reason };
}

/** The code of an error, be it ours or the file system's. Pure. */
export function labelOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'other';
}
