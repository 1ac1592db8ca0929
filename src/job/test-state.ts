import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Run with a directory for the records of jobs, which is removed afterwards. */
export async function withState(use: (state: string) => Promise<void>): Promise<void> {
  const state = await mkdtemp(join(tmpdir(), 'vtorque-test-'));
  try {
    await use(state);
  } finally {
    await rm(state, { recursive: true });
  }
}
