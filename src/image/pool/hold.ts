import { join } from 'node:path';
import { lockFile } from '../../process/index.ts';
import type { Progress } from '../progress.ts';

const WAIT_MS = 900_000;

/**
 * Be the only one who changes a pool, until disposed of.
 * @throws VtorqueError `E_LOCKED`
 */
export function holdPool(
  pool: string,
  { progress, signal }: { readonly progress: Progress; readonly signal?: AbortSignal | undefined },
): Promise<AsyncDisposable> {
  return lockFile(join(pool, '.lock'), {
    waitMs: WAIT_MS,
    signal,
    onWait: () => progress({ kind: 'note', stage: 'check', text: 'waiting for another one who changes the pool' }),
  });
}
