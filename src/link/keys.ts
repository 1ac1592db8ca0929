import { hkdfSync } from 'node:crypto';

/** What two processes of a job prove themselves to each other by. */
export interface LinkKey {
  /** Said in the clear: it tells which key is meant, and nothing else. */
  readonly identity: string;
  readonly key: Buffer;
}

export const keyBytes = 32;

/**
 * A key made from the secret of a job. Pure.
 * @param label what kind of connection it is for
 * @param purpose which one of them: another key for each
 */
export function deriveKey(secret: string, label: string, purpose: readonly unknown[]): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, label, JSON.stringify(purpose), keyBytes));
}
